"""The loopback side of a replay: what clients of any language talk to in place of providers and MCP servers."""
