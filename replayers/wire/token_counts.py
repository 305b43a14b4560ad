"""Token counts: what ``messages/count_tokens`` answers.

Clients count before they ask, and often for nothing. A count is no answer of the model: it makes no step, takes no
recorded call, and one that was not recorded is refused and not noted, since whatever an app does next is compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ..boundary import RecordedCall
from ..playback import Playback
from ..request import PreparedRequest, RequestKey
from .answers import tokens
from .refusals import MISS, RefusedError


class TokenCounts:
    """The input tokens of the recorded model calls, by what was asked.

    Args:
        playback: The replay.
    """

    def __init__(self, playback: Playback) -> None:
        self._playback = playback
        self._calls: dict[int, list[RecordedCall]] = {}
        for call in playback.index.calls:
            if call.kind == "model":
                self._calls.setdefault(len(call.prepared.message_keys), []).append(call)

    def count(self, asked: Mapping[str, Any]) -> int:
        """Return the input tokens that were recorded for a request.

        Raises:
            RefusedError: The recording has no such request, or did not count it.
        """
        prepared = self._playback.prepared("model", asked)
        length = len(prepared.message_keys)
        for call in (each for size in (length, length + 1, length - 1) for each in self._calls.get(size, ())):
            usage = tokens(getattr(call.span.view, "usage", {}))
            if usage is not None and usage.input and _asks(prepared, call.prepared):
                return usage.input
        raise RefusedError(MISS, "unrecorded_count", "the recording has no count of these tokens", is_fault=False)


def _asks(request: PreparedRequest, recorded: PreparedRequest) -> bool:
    """Whether a request is the recorded one, parameters aside: a count is asked for without them."""
    if (
        len(request.message_keys) == len(recorded.message_keys)
        and request.message_keys[-1:] != recorded.message_keys[-1:]
    ):
        return False
    return _without_params(request.comparable(recorded)[0]) == _without_params(recorded)


def _without_params(prepared: PreparedRequest) -> RequestKey:
    request = msgspec.structs.replace(prepared.request, value={**prepared.request.value, "params": {}})
    return PreparedRequest(request, prepared.message_keys).exact
