"""Answering: a model request in any dialect, asked of the recording and answered in the same dialect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..boundary import RecordedCall
from ..calls import Answered, Calls
from . import sse
from .answers import Answer, InexpressibleError, recorded_answer, said_answer
from .conversations import Conversations
from .dialect import RESPONSES, Dialect
from .exchange import CallPath
from .made_ids import MadeIds
from .openai_responses import completed, output_items
from .refusals import MISS, RefusedError, recorded_message, recorded_status
from .response import Response, json_response, refusal, stream_response


@dataclass(frozen=True, slots=True)
class _Asked:
    dialect: Dialect
    body: Mapping[str, Any]
    whole: Mapping[str, Any]
    """The same with all that it only names."""
    size: int
    """The bytes of the body."""


class Answering:
    """Answers the model requests of one replay."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._conversations = Conversations()
        self._ids = MadeIds()
        self._keeps_references = any(
            "previous_response_id" in (call.prepared.request.value.get("params") or {})
            for call in calls.playback.index.calls
            if call.kind == "model"
        )
        """Whether the recording itself names earlier responses, and so holds only what is new."""

    def respond(self, dialect: Dialect, asked: dict[str, Any], path: CallPath | None, size: int) -> Response:
        """Return the answer to a model request.

        Args:
            dialect: The protocol it is written in.
            asked: Its body.
            path: Its call path; None when nobody knows.
            size: How many bytes it has.

        Raises:
            RefusedError: The recording has no answer, or none that the protocol can say.
        """
        if asked.get(dialect.wants) is None and not (dialect is RESPONSES and asked.get("previous_response_id")):
            raise RefusedError(400, "invalid_request", f"expected `{dialect.wants}`, got a request without it")
        request = asked
        if dialect is RESPONSES:
            request = self._conversations.whole(asked, goes_on=not self._keeps_references)
        try:
            answered = self._calls.ask("model", str(asked.get("model") or "model"), self._ids.taken_out(request), path)
        except Exception as error:
            if self._calls.failed is None:
                raise
            raise RefusedError(MISS, "model_unavailable", f"the live model failed: {error}", is_fault=False) from error
        return self._served(_Asked(dialect, asked, request, size), answered)

    def _served(self, asked: _Asked, answered: Answered) -> Response:
        reply, call = answered.reply, answered.recorded
        if reply.action == "stop":
            raise RefusedError(MISS, "unrecorded_call", self._calls.playback.stopped or reply.error, is_fault=False)
        if reply.action == "raise":
            status = _status(call, reply.error)
            return refusal(status, asked.dialect.error(status, "error", recorded_message(reply.error)))
        if reply.action != "answer":
            self._calls.answered(answered.seq, None, "no model to ask")
            raise RefusedError(MISS, "no_live_model", f"step {answered.seq}: the model is live, and there is none")
        try:
            return self._said(asked, answered)
        except InexpressibleError as error:
            raise RefusedError(MISS, "no_form", f"step {answered.seq}: {error}") from error

    def _said(self, asked: _Asked, answered: Answered) -> Response:
        answer, dialect = self._ids.given(self._answer(answered, asked.body)), asked.dialect
        is_stream = asked.body.get("stream") is True
        as_recorded = is_stream and any(dialect.is_frame(sse.payload_of(frame)) for frame in answer.frames[:2])
        if dialect is RESPONSES:
            named, items = completed(answer.frames) if as_recorded else ("", [])
            named, items = named or answer.id_as("resp_"), items or output_items(answer)
            self._conversations.keep(named, asked.whole, items, asked.size)
        if as_recorded:
            return stream_response(dialect.recorded(answer.frames))
        if is_stream:
            return stream_response(list(dialect.events(answer, asked.body)))
        return json_response(dialect.body(answer, asked.body))

    def _answer(self, answered: Answered, asked: Mapping[str, Any]) -> Answer:
        is_recorded = self._calls.playback.events[answered.seq - 1].mode == "recorded"
        if is_recorded and answered.recorded is not None:
            return recorded_answer(answered.recorded, answered.seq, asked)
        return said_answer(answered.reply.value, answered.seq, asked)


def _status(call: RecordedCall | None, error: str) -> int:
    """Return the status of an error: the provider's where it was recorded, else that of a miss."""
    return recorded_status(call) if call is not None and call.error() == error else MISS
