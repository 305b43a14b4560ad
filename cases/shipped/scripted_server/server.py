"""OpenAI's chat completions on the loopback interface, answered by a function. Not streamed."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MOST_REQUESTS = 10_000
"""A client that never ends is refused from there on."""
_LARGEST = 16 * 1024 * 1024
_LETTERS_A_TOKEN = 4

Answer = dict[str, Any]
Answering = Callable[[int, Any], Answer]
"""Given the number of the request, from 1, and its body, returns the assistant's message."""


class RefusedError(Exception):
    """The server answers with an error.

    Args:
        status: The HTTP status.
        message: What the server says.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ModelServer(ThreadingHTTPServer):
    """Counts and keeps the requests; answers each with what a function says.

    Args:
        answer: Returns the assistant's message; may raise ``RefusedError``.
        port: 0 for any free one.
    """

    daemon_threads = True

    def __init__(self, answer: Answering, port: int = 0, handler: type[BaseHTTPRequestHandler] | None = None) -> None:
        super().__init__(("127.0.0.1", port), handler or Handler)
        self.answer = answer
        self.requests: list[Any] = []
        self.keys: set[str] = set()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """Its address, as ``OPENAI_BASE_URL`` takes it."""
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    """One connection, kept open as real servers keep them."""

    server: ModelServer
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_POST(self) -> None:
        """Answer one request."""
        size = int(self.headers.get("Content-Length") or 0)
        if not 0 < size <= _LARGEST:
            return self.reply(413, _error(f"expected a body of 1 to {_LARGEST} bytes, got {size}"))
        try:
            body = json.loads(self.rfile.read(size))
        except ValueError:
            return self.reply(400, _error("expected JSON, got something else"))
        if self.path != "/v1/chat/completions" or not isinstance(body, dict) or not body.get("messages"):
            return self.reply(404, _error(f"expected messages at /v1/chat/completions, got {self.path}"))
        return self.complete(body)

    def complete(self, body: dict[str, Any]) -> None:
        """Answer one conversation."""
        with self.server.lock:  # one after the other: the draws of a seed come in the order of the requests
            self.server.requests.append(body)
            self.server.keys.add(self.headers.get("Authorization") or "")
            number = len(self.server.requests)
            try:
                if number > MOST_REQUESTS:
                    raise RefusedError(429, f"{MOST_REQUESTS} requests are enough")
                message = self.server.answer(number, body)
            except RefusedError as error:
                return self.reply(error.status, _error(str(error)))
        return self.reply(200, completion(number, body, message))

    def reply(self, status: int, body: Any) -> None:
        """Send one JSON document."""
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: what is asked is the app's business."""


def completion(number: int, body: dict[str, Any], message: Answer) -> dict[str, Any]:
    """Return a chat completion that holds a message."""
    taken, given = _tokens(body), _tokens(message)
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1,
        "model": str(body.get("model") or "scripted"),
        "choices": [
            {"index": 0, "message": message, "finish_reason": "tool_calls" if message.get("tool_calls") else "stop"}
        ],
        "usage": {"prompt_tokens": taken, "completion_tokens": given, "total_tokens": taken + given},
    }


def _tokens(value: Any) -> int:
    return max(1, len(json.dumps(value)) // _LETTERS_A_TOKEN)


def _error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "refused"}}


@contextmanager
def serving(
    answer: Answering, port: int = 0, handler: type[BaseHTTPRequestHandler] | None = None
) -> Iterator[ModelServer]:
    """Run a server while the block runs."""
    with ModelServer(answer, port, handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
