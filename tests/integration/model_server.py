"""A model behind a real server: OpenAI's chat completions on the loopback interface."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MOST_REQUESTS = 2000
Answer = dict[str, Any]


def says(text: str) -> Answer:
    """Return an answer of text."""
    return {"role": "assistant", "content": text}


def asks(name: str, **arguments: Any) -> Answer:
    """Return an answer that asks for a tool call."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    calls = [{"id": "c1", "type": "function", "function": function}]
    return {"role": "assistant", "content": None, "tool_calls": calls}


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
        answer: Given the number of the request, from 1, and its body; may raise ``RefusedError``.
    """

    daemon_threads = True

    def __init__(self, answer: Callable[[int, Any], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.requests: list[Any] = []
        self.keys: set[str] = set()

    @property
    def url(self) -> str:
        """Its address, as ``OPENAI_BASE_URL`` takes it."""
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: ModelServer
    protocol_version = "HTTP/1.1"  # connections are kept, as real servers keep them

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        self.server.keys.add(self.headers["Authorization"])
        number = len(self.server.requests)
        try:
            message = self.server.answer(number, body) if number <= MOST_REQUESTS else None
        except RefusedError as error:
            return self._reply(error.status, {"error": {"message": str(error), "type": "refused"}})
        if self.path != "/v1/chat/completions" or message is None:
            return self._reply(404, {"error": {"message": f"no {self.path} here"}})
        reason = "tool_calls" if message.get("tool_calls") else "stop"
        choice = {"index": 0, "message": message, "finish_reason": reason}
        usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        model = {"id": f"r{number}", "object": "chat.completion", "created": 1, "model": "desk-live-1"}
        return self._reply(200, {**model, "choices": [choice], "usage": usage})

    def _reply(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving(answer: Callable[[int, Any], Answer]) -> Iterator[ModelServer]:
    """Run a server while the block runs."""
    with ModelServer(answer) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
