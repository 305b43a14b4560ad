"""A model behind a real server: OpenAI's chat completions on the loopback interface, with every fault on request."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from unrepeat.cases.shipped.scripted_server import server
from unrepeat.cases.shipped.scripted_server.server import (
    Answer,
    Answering,
    Handler,
    ModelServer,
    RefusedError,
    completion,
)

__all__ = ["Answer", "MisbehavesError", "ModelServer", "RefusedError", "asks", "says", "serving"]


def says(text: str) -> Answer:
    """Return an answer of text."""
    return {"role": "assistant", "content": text}


def asks(name: str, **arguments: Any) -> Answer:
    """Return an answer that asks for a tool call."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    calls = [{"id": "c1", "type": "function", "function": function}]
    return {"role": "assistant", "content": None, "tool_calls": calls}


class MisbehavesError(Exception):
    """The server does what no server should.

    Args:
        how: ``malformed``, ``page``, ``no choices``, ``no usage``, ``truncated``, ``hangs up``, ``same id``, ``slow``.
        message: What it would have answered.
    """

    def __init__(self, how: str, message: Answer | None = None) -> None:
        super().__init__(how)
        self.how = how
        self.message = message or says("too late")


class _Misbehaving(Handler):
    def complete(self, body: dict[str, Any]) -> None:
        try:
            super().complete(body)
        except MisbehavesError as fault:
            whole = completion(len(self.server.requests), body, fault.message)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._misbehave(fault.how, whole)

    def _misbehave(self, how: str, whole: dict[str, Any]) -> None:
        match how:
            case "slow":
                time.sleep(3)
                self.reply(200, whole)
            case "same id":
                self.reply(200, {**whole, "id": "chatcmpl-cached"})
            case "no usage":
                self.reply(200, {key: each for key, each in whole.items() if key != "usage"})
            case "no choices":
                self.reply(200, {**whole, "choices": []})
            case "malformed":
                self._raw(b'{"id": "chatcmpl-1", "choices": [{"mess')
            case "page":
                self._raw(b"<html><body>Welcome</body></html>", "text/html")
            case "truncated":
                self._raw(json.dumps(whole).encode()[:40], more=1000)
            case "hangs up":
                self.close_connection = True

    def _raw(self, data: bytes, kind: str = "application/json", more: int = 0) -> None:
        """Send bytes, and promise some more than that."""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) + more))
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = True


@contextmanager
def serving(answer: Answering) -> Iterator[ModelServer]:
    """Run a server while the block runs."""
    with server.serving(answer, handler=_Misbehaving) as running:
        yield running
