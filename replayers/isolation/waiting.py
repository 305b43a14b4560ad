"""Waiting for a process to end: without the pauses of ``Popen.wait``, which looks only now and then."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess


def has_ended(process: subprocess.Popen[bytes], timeout_s: float) -> bool:
    """Wait for a process; return whether it has ended.

    Args:
        process: The process.
        timeout_s: How long to wait.
    """
    if process.poll() is not None:
        return True
    if hasattr(os, "pidfd_open"):  # Linux
        with contextlib.suppress(OSError):  # too many open files: then as everywhere
            handle = os.pidfd_open(process.pid)
            try:
                waiting = select.poll()
                waiting.register(handle, select.POLLIN)
                waiting.poll(timeout_s * 1000)
            finally:
                os.close(handle)
            return process.poll() is not None
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return False
    return True
