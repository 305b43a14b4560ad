"""Refusals: requests that are not answered, and the status a recorded error is served with."""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Mapping
from typing import Any

from ...cases.message_parts import structured
from ..boundary import RecordedCall

MISS = 422
"""No client sends it again by itself, and no provider means an outage by it."""
_PROVIDER_FAILED = 500
_STATUS_ATTRIBUTES = ("http.response.status_code", "http.status_code", "error.status_code", "error.type")
_STATUS = re.compile(
    r"\A(?:[\w.]+Error: )?(?=[45]\d\d )"
    r"|\b(?:error code|status(?:[ _]code)?|HTTP(?:/[\d.]+)?)['\"]?\s*[:=]?\s*(?=[45]\d\d\b)",
    re.IGNORECASE,
)
"""What stands before a status."""
_IN_FRONT = re.compile(r"\A(?:[\w.]+Error: )?(?:Error code: )?[45]\d\d (?:- )?")
"""What the official clients put before the provider's words, and would put there again: ``Error code: 400 - …`` in
Python, ``400 …`` in Node."""
_LONGEST_BODY = 20_000
_BY_NAME = (
    ("badrequest", 400),
    ("invalid_request", 400),
    ("invalidrequest", 400),
    ("authentication", 401),
    ("permissiondenied", 403),
    ("permission_error", 403),
    ("notfound", 404),
    ("not_found", 404),
    ("timeout", 408),
    ("conflict", 409),
    ("toolarge", 413),
    ("too_large", 413),
    ("unprocessableentity", 422),
    ("ratelimit", 429),
    ("rate_limit", 429),
    ("overloaded", 529),
    ("serviceunavailable", 503),
)
"""What the official clients call their errors, and the providers their types."""


class RefusedError(Exception):
    """A request that is none, or that has no answer.

    Args:
        status: The HTTP status, 4xx.
        code: A word for programs.
        message: A sentence for people.
        is_fault: Whether it is noted: not where the replay itself has noted it.
    """

    def __init__(self, status: int, code: str, message: str, *, is_fault: bool = True) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.is_fault = is_fault


def recorded_status(call: RecordedCall) -> int:
    """Return the HTTP status a recorded error came with: as stated, by its words, by its type; else 500."""
    stated = (_as_status(call.span.attributes.get(name)) for name in _STATUS_ATTRIBUTES)
    found = next(filter(None, stated), None)
    return found or _status_in(call.stated_error(), call.span.attributes)


def recorded_message(error: str) -> str:
    """Return what the provider said, of an error in the words of the client that was told it."""
    told = _IN_FRONT.sub("", error, count=1)
    if told == error or not told.startswith("{") or len(told) > _LONGEST_BODY:
        return told
    body = structured(told)
    if isinstance(body, str):
        with contextlib.suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            body = ast.literal_eval(told)  # Python's clients print the body as a dictionary
    inner = body.get("error", body) if isinstance(body, Mapping) else None
    message = inner.get("message") if isinstance(inner, Mapping) else None
    return message if isinstance(message, str) else told


def _as_status(value: Any) -> int | None:
    text = str(value)
    return int(text) if re.fullmatch(r"[45]\d\d", text) else None


def _status_in(error: str, attributes: Mapping[str, Any]) -> int:
    told = _STATUS.search(error)
    if told is not None:
        return int(error[told.end() : told.end() + 3])
    words = f"{attributes.get('error.type') or ''} {error.partition(':')[0]}".lower()
    return next((status for name, status in _BY_NAME if name in words), _PROVIDER_FAILED)
