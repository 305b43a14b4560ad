"""The embeddings endpoint: recorded vectors, else those that the case states, in the form OpenAI's clients read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...cases.errors import CaseError
from ..calls import Answered, Calls
from .embeddings import Embeddings, body, inputs_of, vectors_of
from .exchange import CallPath
from .refusals import MISS, RefusedError
from .response import Response, json_response

_NAME = "embeddings"
"""What a case calls the boundary: the tool of this name."""

Vectors = list[tuple[float, ...]]


class EmbeddingsEndpoint:
    """Answers requests for embeddings.

    Args:
        calls: The calls of the replay.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._recorded: Embeddings | None = None

    def respond(self, asked: Mapping[str, Any], path: CallPath | None) -> Response:
        """Return the vectors a request asks for.

        Args:
            asked: The body of the request.
            path: Its call path; None when nobody knows.

        Raises:
            RefusedError: It is no request for embeddings, or nobody recorded or stated them.
            CaseError: What the case states are not the vectors of what was asked.
        """
        if self._recorded is None:
            self._recorded = Embeddings(self._calls.playback.trace)
        vectors = self._recorded.vectors(asked)
        return json_response(body(self._stated(asked, path) if vectors is None else vectors, asked))

    def _stated(self, asked: Mapping[str, Any], path: CallPath | None) -> Vectors:
        """Return the vectors that the case states, for a call that the recording does not have."""
        answered = self._calls.ask("tool", _NAME, asked, path)
        step = f"step {answered.seq}, {_NAME}"
        match answered.reply.action:
            case "answer":
                return self._found(answered, asked, step)
            case "call":
                why = "a live tool cannot be asked for vectors: they are recorded or stated, never made"
                self._calls.answered(answered.seq, None, why)
                raise RefusedError(MISS, "live_embeddings", f"{step}: {why}")
        known = "none of this text and model" if self._recorded else "no vector of any text"
        raise RefusedError(MISS, "unrecorded_call", f"{step}: the recording holds {known}", is_fault=False)

    def _found(self, answered: Answered, asked: Mapping[str, Any], step: str) -> Vectors:
        """Return the vectors in an answer, which the replay took for valid without a look at it."""
        vectors, wanted = vectors_of(answered.reply.value), len(inputs_of(asked))
        if len(vectors) == wanted:
            return vectors
        expected = f"expected {wanted} vectors, one for each text asked about, got {len(vectors)}"
        if self._calls.playback.events[answered.seq - 1].mode == "static":
            key = f"replay: {{boundaries: {{'tool:{_NAME}': {{mode: static, value: [[0.1, …], …]}}}}}}"
            raise CaseError(f"{step}: {expected}", where="case.yaml", hint=f"State them as `{key}`")
        raise RefusedError(MISS, "no_vectors", f"{step}: the recorded answer: {expected}")
