"""The boundary endpoint: tools, retrievals, approvals and user turns, asked over HTTP by an app in any language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..boundary import BOUNDARY_KINDS
from ..calls import Calls
from .exchange import CallPath, Exchange
from .refusals import MISS, RefusedError
from .response import Response, json_response

ROOT = "/boundary/"
_ANSWERS = "answers"
_CLOCK = "clock"


class BoundaryEndpoint:
    """Answers what is asked below ``/boundary/``.

    Args:
        calls: The calls of the replay.
        now: Gives the app's time; None where nobody knows it.
    """

    def __init__(self, calls: Calls, now: Callable[[], str] | None = None) -> None:
        self._calls = calls
        self._now = now
        self._paths: dict[str, CallPath] = {}
        """The call path below each span that asked for a boundary which is live."""

    def path_below(self, span_id: str) -> CallPath | None:
        """Return the call path of what is called from inside a span; None of a span nobody knows."""
        return self._paths.get(span_id)

    def respond(self, exchange: Exchange, path: CallPath | None) -> Response:
        """Return the answer to a boundary call.

        Args:
            exchange: The request.
            path: Its call path; None when nobody knows.

        Raises:
            RefusedError: It is no boundary call, or the recording has no answer to it.
        """
        kind, _, name = exchange.path.removeprefix(ROOT).partition("/")
        if kind == _CLOCK and not name:
            return self._time(exchange)
        if exchange.method != "POST":
            raise RefusedError(405, "wrong_method", f"expected POST, got {exchange.method}")
        if kind == _ANSWERS:
            return self._answered(name, exchange.json(exact=True))
        if kind not in BOUNDARY_KINDS or not name:
            kinds = ", ".join(BOUNDARY_KINDS)
            raise RefusedError(404, "unknown_boundary", f"expected /boundary/KIND/NAME, KIND one of {kinds}")
        arguments = exchange.json(exact=True)
        answered = self._calls.ask(kind, name, arguments, path)
        reply, seq = answered.reply, answered.seq
        match reply.action:
            case "answer":
                return json_response({"answer": reply.value, **({"text": answered.text} if answered.text else {})})
            case "raise":
                return json_response({"error": reply.error})
            case "call":
                self._note(exchange, (*(path or ()), f"{kind}:{name}"))
                return json_response({"run": True, "step": seq})
            case _:
                stopped = self._calls.playback.stopped or reply.error
                raise RefusedError(MISS, "unrecorded_call", stopped, is_fault=False)

    def _note(self, exchange: Exchange, path: CallPath) -> None:
        _, span_id = exchange.trace
        if span_id:
            self._paths[span_id] = path

    def _answered(self, step: str, said: dict[str, Any]) -> Response:
        """Take what a live boundary answered, and return the wording to hand on."""
        if len(said.keys() & {"answer", "error"}) != 1 or not isinstance(said.get("error", ""), str):
            raise RefusedError(400, "invalid_answer", 'expected {"answer": …} or {"error": "Type: message"}')
        error = said.get("error", "")
        if "error" in said and not error:
            raise RefusedError(400, "invalid_answer", "expected the words of an error, got none")
        reply = self._calls.answered(int(step), said.get("answer"), error) if _is_step(step) else None
        if reply is None:
            raise RefusedError(404, "unknown_step", f"expected a step that waits for its answer, got {step[:20]!r}")
        if error:
            return json_response({"error": error})
        return json_response({"answer": reply.value if reply.action == "answer" else said["answer"]})

    def _time(self, exchange: Exchange) -> Response:
        if exchange.method != "GET":
            raise RefusedError(405, "wrong_method", f"expected GET, got {exchange.method}")
        if self._now is None:
            raise RefusedError(404, "no_clock", "expected a replay that knows the app's time; this one does not")
        return json_response({"answer": self._now()})


def _is_step(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def error(status: int, code: str, message: str) -> dict[str, Any]:
    """Return the body of a refused boundary call."""
    return {"error": message, "code": code, "status": status}
