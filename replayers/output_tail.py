"""Output tail: the end of what a process prints; the rest is let go of as it comes, however much it is."""

from __future__ import annotations

import os
import select
import threading
from types import TracebackType

_KEPT_BYTES = 2000
_WAIT_S = 0.5
_POLL_S = 0.1


class Tail:
    """Reads a pipe in a thread and remembers the end of it."""

    def __init__(self) -> None:
        self._read_fd, self.write_fd = os.pipe()
        """``write_fd`` is the end for the process."""
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._read, name="unrepeat-tail", daemon=True)
        self._begun = False
        self._ending = False

    def __enter__(self) -> Tail:
        return self

    def begin(self) -> None:
        """Read from here on; the process has its end by now, and this one lets go of it."""
        os.close(self.write_fd)
        self._begun = True
        self._thread.start()

    def text(self) -> str:
        """Return the end of what was printed; waits a moment for the process to let go of it."""
        self._thread.join(_WAIT_S)
        return bytes(self._kept).decode("utf-8", "replace")

    def _read(self) -> None:
        while True:
            ready, _, _ = select.select([self._read_fd], [], [], _POLL_S)
            chunk = os.read(self._read_fd, 1 << 16) if ready else b""
            if ready and not chunk:
                return
            if not ready and self._ending:  # a process that got away still holds it
                return
            self._kept += chunk
            del self._kept[:-_KEPT_BYTES]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._begun:
            os.close(self.write_fd)
        else:
            self._ending = True
            self._thread.join()
        os.close(self._read_fd)
