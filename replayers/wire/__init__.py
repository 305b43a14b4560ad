"""The loopback side of a replay: what a system's clients talk to in place of providers and MCP servers."""
