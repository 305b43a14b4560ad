"""How it is run again."""
