"""What the base revision pins of each case, and what a change does to it. Pure; it opens by stating the rules.

A change may add cases, assertions, evidence and custody entries, and may make anything stricter. Compared with the base

1. a case that is gone **fails** (``case-removed``), as does one that can no longer be read (``case-unreadable``);
2. an assertion that is gone or says something else **fails** (``assertion-changed``); its name is a label;
3. a change of how it is replayed (``replay`` or ``system``) **fails** (``replay-changed``);
4. a preserved file that is gone or has another digest **fails** (``evidence-changed``), and so do a trace.json where
   the base has none, and a custody log that does not begin with what the base has (``custody-rewritten``);
5. ``blocks_while_open`` taken back, or a lower severity, **fails** (``weakened``);
6. a case that blocked and is now open or retired **holds** (``status-lowered``): a person decides;
7. a case that the base itself has in a form that cannot be read **holds** (``base-unreadable``): it pins nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from ..cases.case import Case
from ..cases.evidence import TRACE
from ..scorers.gate_result import GateProblem
from .policy import SEVERITIES, GatePolicy, canonical

_STANDING = {"open": 0, "fixed": 1, "recovered": 2, "retired": 0}


@dataclass(frozen=True, slots=True)
class Pinned:
    """One case at one revision."""

    case: Case
    evidence: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each preserved file, as the manifest lists them."""
    custody: bytes = b""
    """The custody log."""


Library = Mapping[str, Pinned | str]
"""Cases by id; a text says why one cannot be read."""


def compare(base: Library, now: Library, policy: GatePolicy) -> list[GateProblem]:
    """Return what a change takes away from what the base pins, in the order of the ids."""
    return [problem for case_id in sorted(base) for problem in _case(case_id, base[case_id], now.get(case_id), policy)]


def _case(case_id: str, base: Pinned | str, now: Pinned | str | None, policy: GatePolicy) -> Iterator[GateProblem]:
    if now is None:
        yield _fails("case-removed", case_id, "the base revision has this case and the change does not")
    elif isinstance(base, str):
        told = f"the base revision has it in a form that cannot be read, so nothing of it is pinned: {base}"
        yield GateProblem(effect="hold", rule="base-unreadable", where=case_id, reason=told)
    elif isinstance(now, str):
        yield _fails("case-unreadable", case_id, now)
    else:
        yield from _assertions(case_id, base.case, now.case)
        yield from _replay(case_id, base.case, now.case)
        yield from _preserved(case_id, base, now)
        yield from _weakened(case_id, base.case, now.case, policy)
        yield from _status(case_id, base.case, now.case)


def _fails(rule: str, case_id: str, reason: str, key: str = "") -> GateProblem:
    return GateProblem(effect="fail", rule=rule, where=f"{case_id}: {key}" if key else case_id, reason=reason)


def _assertions(case_id: str, base: Case, now: Case) -> Iterator[GateProblem]:
    left = Counter(_meaning(each) for each in now.assertions)
    for number, assertion in enumerate(base.assertions):
        meaning = _meaning(assertion)
        if left[meaning]:
            left[meaning] -= 1
            continue
        told = f"the {assertion.type} assertion of the base revision is gone, or says something else"
        yield _fails("assertion-changed", case_id, told, f"assert[{number}]")


def _meaning(assertion: BaseModel) -> bytes:
    said = _said(assertion)
    said.pop("name", None)  # a label for people
    return canonical(said)


def _said(model: BaseModel) -> dict[str, Any]:
    """Return what a model says: its defaults too, but an absent key apart from an explicit null, which is a value."""
    plain = model.model_dump(mode="json")
    return {
        name: _plain(getattr(model, name), plain[name])
        for name in type(model).model_fields
        if plain[name] is not None or name in model.model_fields_set
    }


def _plain(value: Any, dumped: Any) -> Any:
    if isinstance(value, BaseModel):
        return _said(value)
    if isinstance(value, list | tuple):
        return [_plain(each, dump) for each, dump in zip(value, dumped, strict=True)]
    return dumped


def _replay(case_id: str, base: Case, now: Case) -> Iterator[GateProblem]:
    before, after = _said(base.replay), _said(now.replay)
    for key in sorted(before.keys() | after.keys()):
        if before.get(key) != after.get(key):
            yield _fails("replay-changed", case_id, "how the case is replayed is not what it was", f"replay.{key}")
    if base.system != now.system:
        yield _fails("replay-changed", case_id, "the system it is judged on is another", "system")


def _preserved(case_id: str, base: Pinned, now: Pinned) -> Iterator[GateProblem]:
    for path, digest in base.evidence.items():
        if now.evidence.get(path) != digest:
            what = "is gone" if path not in now.evidence else "is not the preserved one"
            yield _fails("evidence-changed", case_id, f"a preserved file {what}", path)
    if TRACE in now.evidence and TRACE not in base.evidence:
        told = "the base revision has no recording of it, and the change brings one that it is judged by"
        yield _fails("evidence-changed", case_id, told, TRACE)
    if not now.custody.startswith(base.custody):
        yield _fails("custody-rewritten", case_id, "the log does not begin with the entries that the base revision has")


def _weakened(case_id: str, base: Case, now: Case, policy: GatePolicy) -> Iterator[GateProblem]:
    if base.blocks_while_open and not now.blocks_while_open:
        yield _fails("weakened", case_id, "it no longer blocks while it is open", "blocks_while_open")
    before, after = (policy.severity_of(case.severity or "") for case in (base, now))
    if SEVERITIES.index(after) < SEVERITIES.index(before):
        yield _fails("weakened", case_id, f"lowered from {before} to {after}", "severity")


def _status(case_id: str, base: Case, now: Case) -> Iterator[GateProblem]:
    lowered = _STANDING[now.status] < _STANDING[base.status]
    silenced = base.blocks_while_open and base.status == "open" and now.status == "retired"
    if lowered or silenced:
        told = f"it was {base.status} and is {now.status} now, so it blocks no longer; a person decides that"
        yield GateProblem(effect="hold", rule="status-lowered", where=f"{case_id}: status", reason=told)
