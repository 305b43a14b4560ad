"""Recorded AgentDojo attacks, replayed against the benchmark's own tools."""
