"""The system under test of the library: an assistant with tools. Each version differs in its `guard` only."""
