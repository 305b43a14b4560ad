"""Mounted applications: their start and end, which ASGI calls lifespan."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from .asgi import ASGIApp, Event

_ENDS_WITHIN_S = 2.0
"""How long an application may take to end; a replay does not wait for ever."""


@asynccontextmanager
async def living(prefix: str, app: ASGIApp) -> AsyncIterator[None]:
    """Start an application, and end it with the block; one without a lifespan is served as it is.

    Args:
        prefix: Where it is mounted, for messages.
        app: The application.

    Raises:
        RuntimeError: It says that it could not start.
    """
    life = _Life(app)
    task = asyncio.create_task(life.run())
    try:
        await life.told("startup")
        if life.failed:
            raise RuntimeError(f"{prefix}: the mounted application did not start: {life.failed}")
        yield
        async with asyncio.timeout(_ENDS_WITHIN_S):
            await life.told("shutdown")
    except TimeoutError:
        pass
    finally:
        task.cancel()
        await asyncio.wait([task])


class _Life:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._done = asyncio.Event()
        self._over = False
        self.failed = ""

    async def run(self) -> None:
        scope: dict[str, Any] = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        try:
            await self._app(scope, self._events.get, self._send)
        except Exception:  # an application that knows no lifespan says so by failing
            pass
        finally:
            self._over = True
            self._done.set()

    async def told(self, what: str) -> None:
        """Tell the application, and wait until it has done it."""
        if not self._over:
            self._done.clear()
            self._events.put_nowait({"type": f"lifespan.{what}"})
            await self._done.wait()

    async def _send(self, event: Event) -> None:
        if event["type"] == "lifespan.startup.failed":
            self.failed = str(event.get("message") or "it gave no reason")
        self._done.set()
