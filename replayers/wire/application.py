"""The application: HTTP as ASGI servers hand it over, to the desk and back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor

from .arriving import Arriving
from .asgi import ASGIApp, Event, Receive, Scope, Send
from .desk import Desk
from .exchange import Client, Exchange
from .refusals import RefusedError
from .response import Response

CLIENT = "unrepeat.client"
"""Where the scope of a request holds its `Client`, for the connection to tell when it leaves."""
MAX_BODY = 64 * 1024 * 1024
"""Largest body that is read, in bytes."""
_AT_ONCE = 16 * 1024
"""Most bytes of a stream that are sent at once, where they are more than one event."""
_BODY_WITHIN_S = 60.0
"""How long a body may take to arrive, after its headers."""


class Application:
    """Serves a desk, and other applications below their prefixes.

    Args:
        desk: Answers the requests.
        mounts: Applications by path prefix.
        thinking: Where calls of a live model run.
    """

    def __init__(self, desk: Desk, mounts: Mapping[str, ASGIApp], thinking: Executor) -> None:
        self._desk = desk
        self._mounts = {prefix.rstrip("/"): app for prefix, app in mounts.items()}
        self._thinking = thinking
        self._arriving = Arriving(desk.received)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        for prefix, app in self._mounts.items():
            if scope["path"] == prefix or scope["path"].startswith(f"{prefix}/"):
                await self._mounted(app, {**scope, "root_path": prefix}, receive, send)
                return
        await _send(await self._response(scope, receive), send)

    async def _response(self, scope: Scope, receive: Receive) -> Response:
        """Return the answer; with it the body is let go, which a client that reads slowly would keep."""
        headers, client = dict(scope["headers"]), Client()
        scope[CLIENT] = client
        bare = Exchange(scope["method"], scope["path"], headers)
        with self._arriving.body() as count:
            try:
                self._desk.requested()
                body = await _body(headers, receive, count)
                return await self._answered(Exchange(scope["method"], scope["path"], headers, body, client))
            except RefusedError as error:
                return self._desk.refuse(bare, error)

    async def _mounted(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def noted(event: Event) -> None:
            nonlocal begun
            begun = True
            await send(event)

        async def counted() -> Event:
            event = await receive()
            count(len(event.get("body", b"")))
            return event

        exchange = Exchange(scope["method"], scope["path"], dict(scope["headers"]))
        try:
            self._desk.requested()
            with self._arriving.body() as count:
                await app(scope, counted, noted)
            return
        except RefusedError as error:
            response = self._desk.refuse(exchange, error)
        except Exception as error:
            response = self._desk.failed(exchange, error)
        if not begun:
            await _send(response, send)

    async def _answered(self, exchange: Exchange) -> Response:
        if not self._desk.thinks(exchange):
            return self._desk.respond(exchange)
        running = asyncio.get_running_loop()
        return await running.run_in_executor(self._thinking, self._desk.respond, exchange)


async def _body(headers: Mapping[bytes, bytes], receive: Receive, received: Callable[[int], None]) -> bytes:
    """Return the body of a request.

    Args:
        headers: Of the request.
        receive: Gives its body.
        received: Told how many bytes came, piece by piece; it refuses them where they are too many.

    Raises:
        RefusedError: It is too large, too slow, or broke off.
    """
    stated = headers.get(b"content-length", b"0")
    if stated.isdigit() and int(stated) > MAX_BODY:
        raise _too_large()
    event = await receive()
    if event["type"] == "http.request" and not event.get("more_body"):
        body: bytes = event.get("body", b"")
        received(len(body))
        if len(body) > MAX_BODY:
            raise _too_large()
        return body
    try:
        async with asyncio.timeout(_BODY_WITHIN_S):
            return await _rest(event, receive, received)
    except TimeoutError as error:
        raise RefusedError(408, "too_slow", f"expected the whole body within {_BODY_WITHIN_S:.0f} s") from error


async def _rest(event: Event, receive: Receive, received: Callable[[int], None]) -> bytes:
    pieces, size = [], 0
    while True:
        if event["type"] == "http.disconnect":
            raise RefusedError(400, "broke_off", "the client went away before it had sent the whole body")
        pieces.append(event.get("body", b""))
        size += len(pieces[-1])
        received(len(pieces[-1]))
        if size > MAX_BODY:
            raise _too_large()
        if not event.get("more_body"):
            return b"".join(pieces)
        event = await receive()


def _too_large() -> RefusedError:
    return RefusedError(413, "too_large", f"expected a body of at most {MAX_BODY} bytes, got a larger one")


async def _send(response: Response, send: Send) -> None:
    headers = [(b"content-type", response.content_type), *response.headers]
    if not response.is_stream:
        headers.append((b"content-length", str(response.size).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    writes = _writes(response.chunks)
    last = next(writes, b"")
    for write in writes:
        await send({"type": "http.response.body", "body": last, "more_body": True})
        await asyncio.sleep(0)  # others get their turn, and a client that left is seen to have left
        last = write
    await send({"type": "http.response.body", "body": last})


def _writes(chunks: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the pieces of a body joined to what is sent at once: a system call for each event takes half the time."""
    held: list[bytes] = []
    size = 0
    for chunk in chunks:
        if held and size + len(chunk) > _AT_ONCE:
            yield b"".join(held)
            held, size = [], 0
        held.append(chunk)
        size += len(chunk)
    if held:
        yield b"".join(held)
