"""Runs between the harness and the program: shuts itself in, then becomes the program.

Started by path (``start.py``) with the harness's interpreter, ``-I -S``: standard library and relative imports only,
and few of them, because every replay pays for them. Linux only.
"""
