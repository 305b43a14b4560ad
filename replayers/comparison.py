"""Comparison of answers: when a live boundary's answer counts as the recorded one.

Three documented forms. ``exact``: equal JSON. ``json``: text that holds JSON equals the value it holds.
``yaml``: text is read as YAML first, so that quoting, line wrapping and ``1`` against ``1.0`` do not count;
for systems whose tools print YAML. Values are never masked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

AnswerForm = Literal["exact", "json", "yaml"]


def answers_equal(recorded: Any, replayed: Any, form: AnswerForm) -> bool:
    """Return whether two answers are the same under a form of comparison."""
    if type(recorded) is type(replayed) and recorded == replayed:
        return True
    if form == "exact":
        return False
    return normal_form(recorded, form) == normal_form(replayed, form)


def normal_form(answer: Any, form: AnswerForm) -> Any:
    """Return an answer as the value it stands for under a form of comparison."""
    if form == "exact":
        return answer
    value = _read(answer, form) if isinstance(answer, str) else answer
    return _normal(value, form)


def _read(text: str, form: AnswerForm) -> Any:
    if form == "json":
        import orjson

        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader, chosen above
    except yaml.YAMLError:
        return " ".join(text.split())


def _normal(value: Any, form: AnswerForm) -> Any:
    """Return a value with booleans told apart from numbers, 1 equal to 1.0, and times as their text."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, (int, float)):
        return float(value) if abs(value) < 2**53 else value
    if isinstance(value, Mapping):
        return {str(key): _normal(item, form) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_normal(item, form) for item in value]
    if isinstance(value, str):
        return " ".join(value.split()) if form == "yaml" else value
    return value if value is None else str(value)
