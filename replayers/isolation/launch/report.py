"""What the launcher tells the harness, over a socket that ends when the program begins."""

from __future__ import annotations

import _socket
import marshal
import struct

TYPE_CHECKING = False  # ``typing`` itself would be imported at each start
if TYPE_CHECKING:
    from typing import Any


class Control:
    """The launcher's end of the control socket; one message a packet."""

    def __init__(self, fd: int) -> None:
        self._socket = _socket.socket(fileno=fd)

    def tell(self, kind: str, *facts: Any, fds: tuple[int, ...] = ()) -> None:
        """Send a message, with file descriptors."""
        rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack(f"{len(fds)}i", *fds))] if fds else []
        self._socket.sendmsg([marshal.dumps((kind, *facts))], rights)

    def tell_plainly(self, kind: str, *facts: Any) -> None:
        """Send a message without ``sendmsg``, which the filter asks the harness about."""
        self._socket.send(marshal.dumps((kind, *facts)))
