"""Running the replays of several traces beside each other: each is a process of its own, this one mostly waits."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(work: Callable[[Item], Result], items: Sequence[Item], *, most: int | None = None) -> list[Result]:
    """Return what ``work`` returns for each item, in the order of the items.

    Args:
        work: Called in threads where there are several items; the first error, in the order of the items, ends it.
        items: What to work on.
        most: Most calls at a time; as many as this process may use processors by default.
    """
    threads = min(len(items), processors() if most is None else most)
    if threads < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads, thread_name_prefix="unrepeat") as pool:
        futures = [pool.submit(work, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:  # Ctrl-C too: what has not begun is not begun
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
