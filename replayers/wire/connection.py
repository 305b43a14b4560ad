"""Connections: uvicorn's HTTP protocol, held to limits, with what goes wrong below HTTP noted."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Sized
from typing import TYPE_CHECKING, Any

from ..calls import Calls
from .application import CLIENT
from .exchange import Client
from .joined_writes import JoinedWrites

if TYPE_CHECKING:
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_MOST_BESIDE = 1024 * 1024
"""Longest head of a request in bytes, and most that comes around its body: the extensions of chunks and what follows
the last one. The parser itself would take them without an end."""
_AROUND = 8
"""Bytes that a byte of a body may take with all around it: a chunk of one byte takes six."""
_MOST_WAITING = 100
"""Requests of one connection that may wait for the answers to those before them."""
_SILENT = logging.getLogger("unrepeat.wire")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


def connection_class(calls: Calls) -> type[HttpToolsProtocol]:
    """Return the protocol of the connections of one replay; uvicorn is imported when a server starts.

    Args:
        calls: Where faults are noted.
    """
    from uvicorn.protocols.http.flow_control import FlowControl
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class Flow(FlowControl):
        """Lets nothing more in while requests wait for the answer before them, which uvicorn does after each answer."""

        def __init__(self, transport: asyncio.Transport, waiting: Sized) -> None:
            super().__init__(transport)
            self._waiting = waiting

        def resume_reading(self) -> None:
            if not self._waiting:
                super().resume_reading()

    class Connection(HttpToolsProtocol):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            self.logger = self.access_logger = _SILENT
            self.access_log = False
            self._in_head, self._beside, self._refused = True, 0, ""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            _send_at_once(transport.get_extra_info("socket"))
            super().connection_made(JoinedWrites(transport))  # type: ignore[arg-type]
            self.flow = Flow(self.transport, self.pipeline)

        def data_received(self, data: bytes) -> None:
            self._beside += len(data)
            super().data_received(data)
            if self._beside > _MOST_BESIDE and not self.transport.is_closing():
                self.send_400_response("Headers too long." if self._in_head else "Too much around the body.")

        def on_headers_complete(self) -> None:
            self._in_head = False
            super().on_headers_complete()
            if len(self.pipeline) > _MOST_WAITING:
                self._refused = f"More than {_MOST_WAITING} requests that wait for answers."
                raise ValueError  # ends the parser, which would go on to the end of what came

        def on_body(self, body: bytes) -> None:
            self._beside = max(0, self._beside - _AROUND * len(body))
            super().on_body(body)

        def on_message_complete(self) -> None:
            self._in_head, self._beside = True, 0
            super().on_message_complete()

        def send_400_response(self, msg: str) -> None:
            msg = self._refused or msg
            calls.fault(f"a connection: {msg.rstrip('.').lower()}")
            super().send_400_response(msg)

        def connection_lost(self, exc: Exception | None) -> None:
            cycle = self.cycle
            client: Client | None = cycle.scope.get(CLIENT) if cycle is not None else None  # type: ignore[assignment]
            if client is not None and not cycle.response_complete:
                client.left = True
            super().connection_lost(exc)

    return Connection


def _send_at_once(connection: socket.socket) -> None:
    """Turn Nagle's algorithm off: it waits 40 ms with the second half of an answer.

    asyncio does so only where the listening socket was made with the protocol's number, and most are made without.
    """
    if connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
