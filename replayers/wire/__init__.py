"""The wire server: stands for every provider and every other boundary, for a client of any language."""
