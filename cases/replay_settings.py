"""The ``replay`` and ``variants`` blocks of case.yaml: how the case is run again."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from .documents import Line, Part, Text
from .vocabulary import BoundaryModeName, BoundaryName, Change, OnMiss, Preset


class BoundaryRule(Part):
    """How the calls of one boundary are answered, where the preset does not fit."""

    mode: BoundaryModeName
    """recorded: from the trace; live: by the real thing; static: by ``value``."""
    only: list[Line] = []
    """Names of the tools or functions this is about, ``*`` for any run of characters; all when left out.
    The others follow the preset."""
    value: Any = None
    """For static: the answer, any JSON value; of the clock, the time at which it starts, as in
    ``2026-03-03T10:00:00Z``."""
    turns: Annotated[list[Any], Field(min_length=1)] | None = None
    """For static, of the user, in place of ``value``: what the user says, one answer a call. After the last one
    the replay stops."""

    @model_validator(mode="after")
    def _value_goes_with_static(self) -> BoundaryRule:
        given = [name for name in ("value", "turns") if name in self.model_fields_set]
        if self.mode == "static" and not given:
            raise ValueError("expected a value for mode static, got none")
        if self.mode != "static" and given:
            raise ValueError(f"expected a value only for mode static, got {given[0]} for {self.mode}")
        if len(given) > 1 or (given == ["turns"] and self.turns is None):
            raise ValueError("expected either value or turns, got both" if self.turns else "expected turns, got none")
        return self


class Compare(Part):
    """What counts as the same answer when a live boundary is compared with the recording."""

    results: Literal["exact", "yaml", "json"] = "exact"
    """exact: equal bytes; json or yaml: equal values once both are parsed, so that quoting and wrapping do
    not count."""


class ReplaySettings(Part):
    """How to run the case again."""

    preset: Preset = "code-change"
    """code-change: every boundary recorded; model-change: model live, the rest recorded; from-step: recorded
    up to a step, then live."""
    from_step: Annotated[int, Field(ge=1)] | None = None
    """For from-step: the first step that is live."""
    on_miss: OnMiss = "fail"
    """When the recording has no answer: fail (stop there), or error_result (the system gets an error)."""
    system: Line | None = None
    """The system in unrepeat.toml, where it is not the case's ``system``."""
    entry: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")] | None = None
    """The callable to run, as ``module:function``, where it is not the system's."""
    input: dict[str, Any] | list[Any] | str | None = None
    """What the system is given, stated here where the trace does not have it: for a callable its arguments by name (a
    list: by place; a text: the only one), for a program or a deployment the text or the JSON value."""
    turns: Annotated[list[dict[str, Any] | list[Any] | str], Field(min_length=2)] | None = None
    """In place of ``input``, a conversation: the callable is called with each in turn, in one process. What it
    answers is the list of its answers."""
    boundaries: dict[BoundaryName, BoundaryRule] = {}
    """Exceptions from the preset, by boundary."""
    compare: Compare = Compare()
    """What counts as the same answer."""

    @model_validator(mode="after")
    def _step_goes_with_preset(self) -> ReplaySettings:
        if (self.preset == "from-step") != (self.from_step is not None):
            raise ValueError("expected from_step together with preset from-step, got only one of them")
        return self

    @model_validator(mode="after")
    def _turns_stand_alone(self) -> ReplaySettings:
        if self.input is not None and self.turns is not None:
            raise ValueError("expected either input or turns, got both")
        for kind, rule in self.boundaries.items():
            if rule.turns is not None and kind != "user":
                raise ValueError(f"expected turns of the user only, got some of {kind}")
        return self


class Variant(Part):
    """The failure with something changed around it."""

    name: Line
    """What the variant is called."""
    change: Change
    """What is changed."""
    target: Line | None = None
    """What it is changed in: a tool, a document, a span, an entity."""
    value: Any = None
    """What it is changed to, where that is not derived."""
    assertions: list[Annotated[int, Field(ge=0)]] | None = None
    """Places in ``assert`` (from 0) that carry over; all when left out."""
    note: Text | None = None
    """In words."""
