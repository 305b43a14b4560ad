"""Benchmarks of unrepeat beside its peers; `python -m benchmarks` lists and runs them."""
