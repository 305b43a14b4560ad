"""Comparison of answers: when a live boundary's answer counts as the recorded one.

Three documented forms. ``exact``: equal JSON. ``json``: text that holds JSON equals the value it holds.
``yaml``: text is read as YAML first, so that quoting, line wrapping and ``1`` against ``1.0`` (also inside a
sentence) do not count; for systems whose tools print YAML. Under ``json`` and ``yaml``, where both texts stand
between the delimiters ``<<`` and ``>>`` (spotlighting), what is inside them is compared.

Values are never masked: only the YAML that dumpers write is read as YAML. What a reader of YAML would drop,
merge or reinterpret (comments, a key given twice, aliases, tags, ``yes``, ``0x1f``, ``12:30``) is compared as
the text it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

AnswerForm = Literal["exact", "json", "yaml"]
_WHOLE = re.compile(r"(?<![\w.])(\d+)\.0+(?![\w]|\.\d)")
"""A whole number written with decimals."""
_NUMBER_SIGN = "\ue000"
"""Stands in for ``#`` while YAML is read, so that no text is taken for a comment."""
_MAX_YAML_BYTES = 8 * 1024 * 1024


def answers_equal(recorded: Any, replayed: Any, form: AnswerForm) -> bool:
    """Return whether two answers are the same under a form of comparison."""
    if type(recorded) is type(replayed) and recorded == replayed:
        return True
    if form == "exact":
        return False
    if _is_delimited(recorded) and _is_delimited(replayed):
        return answers_equal(recorded[2:-2], replayed[2:-2], form)
    return bool(normal_form(recorded, form) == normal_form(replayed, form))


def _is_delimited(answer: Any) -> bool:
    return isinstance(answer, str) and len(answer) >= 4 and answer.startswith("<<") and answer.endswith(">>")


def normal_form(answer: Any, form: AnswerForm) -> Any:
    """Return an answer as the value it stands for under a form of comparison."""
    if form == "exact":
        return answer
    value = _read(answer, form) if isinstance(answer, str) else answer
    return _normal(value, form)


def _read(text: str, form: AnswerForm) -> Any:
    if form == "yaml":
        return _read_yaml(text)
    import orjson

    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _read_yaml(text: str) -> Any:
    """Return the value of a YAML text, or the text itself where it is none."""
    from ..cases.errors import CaseError
    from ..cases.strict_yaml import Limits, parse

    if not text.strip():
        return text
    shown = text.replace("#", _NUMBER_SIGN)
    try:
        return parse(shown.encode(), "answer", limits=Limits(max_bytes=_MAX_YAML_BYTES))
    except (CaseError, UnicodeEncodeError):
        return text


def _normal(value: Any, form: AnswerForm) -> Any:
    """Return a value with booleans told apart from numbers, 1 equal to 1.0, and times as their text."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, (int, float)):
        return float(value) if abs(value) < 2**53 else value
    if isinstance(value, Mapping):
        return {_key(key, form): _normal(item, form) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_normal(item, form) for item in value]
    if isinstance(value, str):
        return _normal_text(value) if form == "yaml" else value
    return value if value is None else str(value)


def _key(key: Any, form: AnswerForm) -> str:
    return _normal_text(str(key)) if form == "yaml" else str(key)


def _normal_text(text: str) -> str:
    return _WHOLE.sub(r"\1", " ".join(text.replace(_NUMBER_SIGN, "#").split()))
