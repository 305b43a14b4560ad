"""Given input: what a program or a deployment is handed of a case's input, as text or JSON."""

from __future__ import annotations

from typing import Any

from ..cases.errors import UnableToReplayError
from .wire.response import dumps

_HINT = "State another under `replay: {input: …}`"


def json_of(value: Any, case_id: str) -> bytes:
    """Return an input as JSON on one line.

    Raises:
        UnableToReplayError: JSON has no form for it.
    """
    try:
        return dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise _unsayable(case_id, "that JSON can say", str(error)) from error


def plain_of(value: Any, case_id: str) -> bytes:
    """Return an input as it is, where it is a text, else as JSON.

    Raises:
        UnableToReplayError: UTF-8, or JSON, has no form for it.
    """
    if not isinstance(value, str):
        return json_of(value, case_id)
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        got = f"half of a surrogate pair as character {error.start + 1}"
        raise _unsayable(case_id, "that UTF-8 can say", got) from error


def argument_of(value: Any, case_id: str) -> str:
    """Return an input as an argument of a command.

    Raises:
        UnableToReplayError: No argument can say it.
    """
    text = plain_of(value, case_id).decode()
    if "\0" in text:
        raise _unsayable(case_id, "that an argument can say", "the character NUL")
    return text


def _unsayable(case_id: str, rule: str, got: str) -> UnableToReplayError:
    return UnableToReplayError(f"expected an input {rule}, got {got}", where=f"case {case_id}: input", hint=_HINT)
