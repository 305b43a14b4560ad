"""Base of the pydantic models of files that people write, and the kinds of text they hold."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from .vocabulary import YesNo

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_LINK = re.compile(r"(?:https?://|mailto:)[^\s<>\"]+\Z", re.IGNORECASE)


class Part(BaseModel):
    """A mapping in a document: immutable, every key known."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        populate_by_name=True,
    )


def _without_controls(text: str) -> str:
    found = _CONTROLS.search(text)
    if found:
        raise ValueError(f"expected text without control characters, got U+{ord(found.group()):04X}")
    return text


def _one_line(text: str) -> str:
    if "\n" in text or "\r" in text:
        raise ValueError("expected one line, got several")
    return _without_controls(text)


def _moment(text: str) -> str:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"expected a date or a time such as 2026-01-31T14:05:00Z, got {text!r}") from None
    if len(text) > 10 and moment.tzinfo is None:
        raise ValueError(f"expected a time with its zone, such as {text}Z, got none")
    return text


def _web_address(text: str) -> str:
    if not _LINK.match(text):
        raise ValueError(f"expected an address that starts with https://, http:// or mailto:, got {text[:80]!r}")
    return text


def _yes_no(value: Any) -> Any:
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value


def shorthand(model: type[Part], key: str) -> BeforeValidator:
    """Return a validator that lets a bare text stand for a mapping with only this key."""

    def widen(value: Any) -> Any:
        return {key: value} if isinstance(value, str) else value

    return BeforeValidator(widen, json_schema_input_type=model | str)


Text = Annotated[str, Field(min_length=1), AfterValidator(_without_controls)]
"""Text of one or more lines, without control characters or bidirectional overrides."""
Line = Annotated[str, Field(min_length=1), AfterValidator(_one_line)]
"""One line of text."""
Moment = Annotated[str, AfterValidator(_moment)]
"""A date, or a time with its zone, in ISO 8601. Kept as it was written."""
WebAddress = Annotated[str, AfterValidator(_web_address)]
"""An http, https or mailto address."""
TriState = Annotated[YesNo, BeforeValidator(_yes_no, json_schema_input_type=YesNo | bool)]
"""yes, no or unknown; true and false stand for yes and no."""
