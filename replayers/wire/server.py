"""The wire server: serves the calls of one replay on sockets that somebody else made."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from ..calls import Calls
from .app_environment import environment
from .application import Application
from .asgi import ASGIApp
from .connection import connection_class
from .desk import Desk
from .mounted import living

if TYPE_CHECKING:
    from uvicorn.server import ServerState

__all__ = ["ASGIApp", "environment", "serving"]

_IDLE_S = 3600
"""How long a connection may do nothing: a client's pool that finds it closed would send its request again."""
_BACKLOG = 2048
"""Connections that may wait to be accepted; with fewer, the thousandth client would try again after a second."""
_NO_MOUNTS: Mapping[str, ASGIApp] = {}


@contextmanager
def serving(
    calls: Calls,
    sockets: Sequence[socket.socket],
    *,
    mounts: Mapping[str, ASGIApp] = _NO_MOUNTS,
    trace_ids: frozenset[str] | None = None,
    now: Callable[[], str] | None = None,
) -> Iterator[None]:
    """Serve while the block runs, in a thread of its own.

    The end of the block hangs up on everybody. It waits only for a call of a live model, which cannot be broken off.

    Args:
        calls: Answers what is asked.
        sockets: Sockets that listen; closed at the end.
        mounts: Further applications by path prefix, such as ``/mcp``.
        trace_ids: The only traces that are answered, as in ``traceparent``; None for all.
        now: Gives the app's time for ``GET /boundary/clock``.
    """
    with ThreadPoolExecutor(1, "unrepeat-thinking") as thinking:
        app = Application(Desk(calls, trace_ids, now), mounts, thinking)
        listener = _Listener(app, calls, sockets, mounts)
        try:
            listener.start()
            yield
        finally:
            listener.stop()


class _Listener:
    """One event loop in a thread, with everything that is connected to it."""

    def __init__(
        self, app: Application, calls: Calls, sockets: Sequence[socket.socket], mounts: Mapping[str, ASGIApp]
    ) -> None:
        self._app = app
        self._calls = calls
        self._sockets = sockets
        self._mounts = mounts
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        self._is_cancelled = False
        self._over: asyncio.Event | None = None
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="unrepeat-wire", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()
        if self._failed is not None:
            raise self._failed

    def stop(self) -> None:
        self._is_cancelled = True  # seen by a loop that begins only now, after an interruption of the start
        loop, over = self._loop, self._over
        if loop is not None and over is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(over.set)
        if self._thread.ident is not None:
            self._thread.join()
        for each in self._sockets:
            each.close()

    def _run(self) -> None:
        try:
            with asyncio.Runner() as runner:
                runner.run(self._serve())
        except BaseException as error:
            self._failed = error
            self._calls.failed = self._calls.failed or error
            self._calls.stopped.set()
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        from uvicorn import Config
        from uvicorn.server import ServerState

        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        if self._is_cancelled:
            return
        config = Config(
            self._app,
            http="httptools",
            interface="asgi3",
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=_IDLE_S,
        )
        config.load()
        state, protocol = ServerState(), connection_class(self._calls)
        async with AsyncExitStack() as stack:
            for prefix, app in self._mounts.items():
                await stack.enter_async_context(living(prefix, app))
            for each in self._sockets:
                server = await self._loop.create_server(
                    lambda: protocol(config, state, {}, self._loop), sock=each, backlog=_BACKLOG
                )
                stack.callback(server.close)
            stack.callback(_hang_up, state)
            self._ready.set()
            await self._over.wait()


def _hang_up(state: ServerState) -> None:
    """Close every connection, also in the middle of an answer."""
    for connection in list(state.connections):
        transport: Any = connection.transport
        transport.abort()
    for task in list(state.tasks):
        task.cancel()
