"""A provider that answers from a script and keeps what it was asked: how the recordings were made."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.clients import provider_forms as forms

_FORMS = {
    "chat/completions": (forms.chat_body, forms.chat_events),
    "responses": (forms.responses_body, forms.responses_events),
    "messages": (forms.messages_body, forms.messages_events),
    "messages/count_tokens": (forms.tokens_body, None),
    "embeddings": (forms.embeddings_body, None),
}


class Provider(ThreadingHTTPServer):
    """Answers one conversation after its script."""

    daemon_threads = True

    def __init__(self, script: list[forms.Turn]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.exchanges: list[dict[str, Any]] = []
        self.lock = threading.Lock()

    @property
    def port(self) -> int:
        return self.server_address[1]

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer with the next turn of the script, and keep the exchange."""
        with self.lock:
            number = len(self.exchanges)
            if number >= len(self.script):
                turn: forms.Turn = {"status": 400, "message": "the script has no further turn"}
            else:
                turn = forms.completed(self.script[number], body)
            exchange: dict[str, Any] = {"path": path, "request": body, "status": turn.get("status", 200)}
            if exchange["status"] >= 400:
                exchange["response"] = forms.error_body(path, turn)
            else:
                whole, events = _FORMS[path]
                exchange["response"] = whole(turn, body, number)
                if body.get("stream") and events is not None:
                    exchange["frames"] = events(exchange["response"], body)
            self.exchanges.append(exchange)
            return exchange


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Provider

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = self.path.partition("?")[0].strip("/").removeprefix("v1/")
        exchange = self.server.answer(path, body)
        if "frames" in exchange:
            data, kind = "".join(frame + "\n\n" for frame in exchange["frames"]).encode(), "text/event-stream"
        else:
            data, kind = json.dumps(exchange["response"]).encode(), "application/json"
        self.send_response(exchange["status"])
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def answering(script: list[forms.Turn]) -> Iterator[Provider]:
    """Run a provider while the block runs."""
    with Provider(script) as provider:
        thread = threading.Thread(target=provider.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield provider
        finally:
            provider.shutdown()
            thread.join()
