"""Arriving: the bodies that the server has in its hands, of all connections together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .refusals import RefusedError

MOST_AT_ONCE = 256 * 1024 * 1024
"""Most bytes of bodies that are held at once, whole or not; the budget of a replay bounds what comes one by one."""


class Arriving:
    """Counts bodies piece by piece as they come, in the one thread of the server.

    Args:
        received: Told how many bytes came; it refuses them where the replay has had too many.
    """

    def __init__(self, received: Callable[[int], None]) -> None:
        self._received = received
        self._held = 0

    @contextmanager
    def body(self) -> Iterator[Callable[[int], None]]:
        """Yield what is told the size of each piece of one body, which is held until the end of the block.

        It raises `RefusedError` where all bodies together are too many.
        """
        held = 0

        def count(size: int) -> None:
            nonlocal held
            held += size
            self._held += size
            self._received(size)
            if self._held > MOST_AT_ONCE:
                message = f"expected bodies of at most {MOST_AT_ONCE >> 20} MiB at once, got more"
                raise RefusedError(413, "too_much_at_once", message)

        try:
            yield count
        finally:
            self._held -= held
