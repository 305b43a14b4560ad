"""Runs a Python app in a child process with its boundary functions replaced.

Started by path (``start.py``) with the app's interpreter, which need not have unrepeat installed: standard library
and relative imports only. It talks JSON lines over inherited file descriptors; standard output stays the app's own.
"""
