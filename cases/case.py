"""case.yaml: what failed, who owns it, what must not happen again, how to replay it.

Only ``id``, ``title`` and ``assert`` are required. Unknown keys are refused with the nearest known one, so
that a typo in ``assert`` never becomes a case that asserts nothing.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, WithJsonSchema

from . import strict_yaml
from .assertions import Assertion
from .case_migrations import to_current
from .complaints import CaseFileError, complaints
from .documents import Line, Part, Text, TriState, shorthand
from .errors import CaseError
from .paths import is_reserved
from .replay_settings import ReplaySettings, Variant
from .response import (
    Action,
    Affected,
    Attempt,
    Control,
    Failure,
    Link,
    Measure,
    Owners,
    Remediation,
    Rollback,
    Timeline,
)
from .severity import SeverityFactors
from .vocabulary import Barrier, DetectedBy, Kind, Severity, Status

_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


def normal_id(text: str) -> str:
    """Return a case id in lower case.

    Args:
        text: ASCII letters, digits and inner hyphens, at most 64, in any case.

    Raises:
        ValueError: It is not such a text, or a reserved file name.
    """
    # Checked before lowering: U+212A KELVIN SIGN lowers to an ASCII k.
    lowered = text.lower() if text.isascii() else text
    if not _ID.fullmatch(lowered):
        raise ValueError(f"expected an id of 1 to 64 letters a-z, digits and inner hyphens, got {text[:80]!a}")
    if is_reserved(lowered):
        raise ValueError(f"expected an id that is not a reserved file name, got {lowered!r}")
    return lowered


def _read_id(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # an unquoted number without leading zero reads back as it was written
    return normal_id(value) if isinstance(value, str) else value


CaseId = Annotated[
    str,
    BeforeValidator(_read_id),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?$"}),
]


class Case(Part):
    """One incident or near miss, made replayable."""

    format: Literal[1] = 1
    """Version of this format."""
    id: CaseId
    """Names the case and its folder: letters, digits and inner hyphens, stored in lower case."""
    title: Line
    """What happened, in one line."""
    assertions: list[Assertion] = Field(alias="assert")
    """What must hold; the recording must break it. While it is empty the case is a draft, which can be
    replayed but not proven."""
    kind: Kind = "incident"
    """incident, near_miss (caught before impact), security_event or quality_issue."""
    status: Status = "open"
    """open, fixed, recovered or retired; changed by commands, each change in the custody log."""
    blocks_while_open: bool = False
    """Whether the gate fails while the case is open."""
    system: Line | None = None
    """The system in unrepeat.toml that failed."""
    use_case: Line | None = None
    """What the system was used for."""
    severity: Severity | None = None
    """low, medium, high or critical."""
    severity_factors: SeverityFactors | None = None
    """What the severity was judged by."""
    timeline: Timeline | None = None
    """When it happened."""
    detected_by: DetectedBy = "unknown"
    """Who or what noticed."""
    failure: Failure | None = None
    """What failed and why."""
    controls: list[Control] = []
    """The controls that should have prevented it, and what became of each."""
    barrier: Barrier = "unknown"
    """For a near miss: what caught it."""
    approved_for_use: TriState = "unknown"
    """Whether the system was approved for this use."""
    affected: Affected | None = None
    """Who and what was affected."""
    remediation: list[Annotated[Remediation, shorthand(Remediation, "change")]] = []
    """Changes meant to prevent it."""
    compensating_controls: list[Annotated[Measure, shorthand(Measure, "what")]] = []
    """What reduces the risk in the meantime."""
    actions: list[Annotated[Action, shorthand(Action, "what")]] = []
    """What remains to be done."""
    attempts: list[Annotated[Attempt, shorthand(Attempt, "what")]] = []
    """Attempts to reproduce it."""
    replay: ReplaySettings = ReplaySettings()
    """How to run it again."""
    variants: list[Variant] = []
    """The failure with something changed around it."""
    repeat: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Trials, where a boundary is live."""
    pass_threshold: Literal["all"] | Annotated[float, Field(gt=0, le=1)] = "all"
    """Share of the trials that must pass; may only be stricter than the sign-off plan."""
    owners: Owners | None = None
    """Who answers for it."""
    rollback: Rollback | None = None
    """When and how to go back."""
    monitoring: list[Annotated[Measure, shorthand(Measure, "what")]] = []
    """What is watched in addition."""
    residual_risk: Text | None = None
    """What may still happen."""
    restrictions: list[Annotated[Measure, shorthand(Measure, "what")]] = []
    """What the system may not do for now."""
    links: list[Annotated[Link, shorthand(Link, "url")]] = []
    """Ticket, deployment, vendor notice."""

    @property
    def is_draft(self) -> bool:
        """Whether the case asserts nothing yet, so that nothing can be proven."""
        return not self.assertions


@cache
def _adapter() -> TypeAdapter[Case]:
    return TypeAdapter(Case)


def read_case(data: bytes, where: str, *, limits: strict_yaml.Limits = strict_yaml.DEFAULT_LIMITS) -> Case:
    """Return the case that a case.yaml states.

    Args:
        data: The file's bytes.
        where: What to call the file in errors.
        limits: Size and depth of the file.

    Raises:
        CaseFileError: Names every mistake with its line.
        CaseError: It is not YAML, or over a limit.
    """
    document = strict_yaml.parse(data, where, limits=limits)
    if not isinstance(document, dict):
        raise CaseError("expected keys and values, got something else", where=f"{where}:1:1")
    document = to_current(document, where)
    try:
        # By way of JSON: strict about types there, yet lists are lists and numbers numbers.
        return _adapter().validate_json(orjson.dumps(document), strict=True)
    except ValidationError as error:
        found = strict_yaml.places(data, where, limits=limits)
        raise CaseFileError(complaints(error, Case, document, found, where)) from None


def load_case(path: Path, *, limits: strict_yaml.Limits = strict_yaml.DEFAULT_LIMITS) -> Case:
    """Read a case.yaml from disk; see ``read_case``."""
    return read_case(strict_yaml.read_limited(path, limits), str(path), limits=limits)
