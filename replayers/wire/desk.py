"""The desk: takes a request in, finds out what it is, and has it answered. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..calls import Calls
from . import boundary_endpoint, models
from .answering import Answering
from .boundary_endpoint import BoundaryEndpoint
from .dialect import CHAT, MESSAGES, RESPONSES, Dialect
from .embeddings_endpoint import EmbeddingsEndpoint
from .exchange import CallPath, Exchange
from .refusals import MISS, RefusedError
from .repetitions import Repetitions
from .response import Response, json_response, refusal
from .token_counts import TokenCounts
from .trace_check import TraceCheck

_DIALECTS = {"/chat/completions": CHAT, "/responses": RESPONSES, "/messages": MESSAGES}
_EMBEDDINGS = "/embeddings"
_COUNT = "/messages/count_tokens"
_AZURE = re.compile(r"/openai/deployments/(?P<name>[^/]+)(?P<rest>/.+)")
_PREFIXES = ("/openai", "/v1")
"""What base URLs may end in; Azure's and OpenAI's clients add the first, Vercel's leaves out the second."""


class Desk:
    """Answers every request of one replay.

    Args:
        calls: The calls of the replay.
        trace_ids: The only traces that are answered; None for all.
        now: Gives the app's time; None where nobody knows it.
    """

    def __init__(
        self, calls: Calls, trace_ids: frozenset[str] | None = None, now: Callable[[], str] | None = None
    ) -> None:
        self._calls = calls
        self._traces = TraceCheck(calls, trace_ids)
        self._boundaries = BoundaryEndpoint(calls, now)
        self._answering = Answering(calls)
        self._repetitions = Repetitions()
        self._embeddings = EmbeddingsEndpoint(calls)
        self._counts: TokenCounts | None = None

    def respond(self, exchange: Exchange) -> Response:
        """Return the answer to a request; a refusal where it has none."""
        try:
            return self._answer(exchange)
        except RefusedError as error:
            return self.refuse(exchange, error)
        except Exception as error:  # no mistake of ours may look like an answer of the provider
            return self.failed(exchange, error)

    def failed(self, exchange: Exchange, error: Exception) -> Response:
        """End the replay for a mistake that is not the app's, and return what the app is told."""
        self._calls.failed = self._calls.failed or error
        self._calls.stopped.set()
        return self.refuse(exchange, RefusedError(MISS, "harness_failed", f"{type(error).__name__}: {error}"))

    def refuse(self, exchange: Exchange, error: RefusedError) -> Response:
        """Return a refusal in the words of the protocol, and note it where nobody has."""
        if error.is_fault:
            self._calls.fault(f"{exchange.method} {exchange.path[:200]}: {error.message}")
        return refusal(error.status, _form(exchange)(error.status, error.code, error.message))

    def thinks(self, exchange: Exchange) -> bool:
        """Whether a live model may be asked, which takes long."""
        if self._calls.model is None:
            return False
        return _route(exchange.path)[0] in _DIALECTS or exchange.path.startswith(f"{boundary_endpoint.ROOT}model/")

    def received(self, size: int) -> None:
        """Count bytes of bodies that came in.

        Args:
            size: How many more.

        Raises:
            RefusedError: They are more than one replay may ask; it ends, and has noted it.
        """
        if not self._calls.received(size):
            raise RefusedError(413, "too_much", self._calls.endless, is_fault=False)

    def requested(self) -> None:
        """Count a request, whether or not it becomes a step.

        Raises:
            RefusedError: They are more than one replay may send; it ends, and has noted it.
        """
        if not self._calls.requested():
            raise RefusedError(429, "too_many", self._calls.endless, is_fault=False)

    def _answer(self, exchange: Exchange) -> Response:
        self._traces.check(_sort(exchange.path), exchange.traceparent)
        path = exchange.call_path()
        if path is None:
            path = self._boundaries.path_below(exchange.trace[1])
        if exchange.path.startswith(boundary_endpoint.ROOT):
            # No client retries here by itself: a call that is made again is a second call, whatever its headers say.
            return self._boundaries.respond(exchange, path)
        response = self._repetitions.answer_to(exchange, path)
        if response is None:
            response = self._found(exchange, path)
            self._repetitions.keep(exchange, path, response)
        return response

    def _found(self, exchange: Exchange, path: CallPath | None) -> Response:
        route, beside = _route(exchange.path)
        if route == "/models" or route.startswith("/models/"):
            return self._models(exchange, route)
        return self._post(exchange, route, beside, path)

    def _post(self, exchange: Exchange, route: str, beside: Mapping[str, Any], path: CallPath | None) -> Response:
        dialect = _DIALECTS.get(route)
        if dialect is None and route not in (_EMBEDDINGS, _COUNT):
            raise RefusedError(404, "unknown_endpoint", f"no endpoint {exchange.path[:200]}")
        if exchange.method != "POST":
            raise RefusedError(405, "wrong_method", f"expected POST, got {exchange.method}")
        asked = {**beside, **exchange.json()}
        if dialect is not None:
            return self._answering.respond(dialect, asked, path, len(exchange.body))
        return self._embeddings.respond(asked, path) if route == _EMBEDDINGS else self._counted(asked)

    def _counted(self, asked: dict[str, Any]) -> Response:
        if self._counts is None:
            self._counts = TokenCounts(self._calls.playback)
        return json_response({"input_tokens": self._counts.count(asked)})

    def _models(self, exchange: Exchange, route: str) -> Response:
        if exchange.method != "GET":
            raise RefusedError(405, "wrong_method", f"expected GET, got {exchange.method}")
        name = route.removeprefix("/models").strip("/")
        return models.respond(self._calls.playback.trace, name, as_anthropic=_speaks_anthropic(exchange))


def _route(path: str) -> tuple[str, dict[str, Any]]:
    """Return a path without what base URLs may end in, and what it says of the request: Azure names the model there."""
    path = path.rstrip("/")
    deployment = _AZURE.fullmatch(path)
    if deployment is not None:
        return deployment["rest"], {"model": deployment["name"]}
    for prefix in _PREFIXES:
        if path.startswith(f"{prefix}/"):
            path = path.removeprefix(prefix)
    return path, {}


def _sort(path: str) -> str:
    """Return what sort of request comes to a path, in words: those of one sort come from one client."""
    if path.startswith(boundary_endpoint.ROOT):
        return "requests for boundaries"
    return f"requests for {_route(path)[0][:100]}"


def _speaks_anthropic(exchange: Exchange) -> bool:
    return b"anthropic-version" in exchange.headers or "/messages" in exchange.path


def _form(exchange: Exchange) -> Callable[[int, str, str], dict[str, Any]]:
    if exchange.path.startswith(boundary_endpoint.ROOT):
        return boundary_endpoint.error
    dialect: Dialect = MESSAGES if _speaks_anthropic(exchange) else CHAT
    return dialect.error
