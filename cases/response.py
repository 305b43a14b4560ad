"""The parts of case.yaml about what people do: actions, owners, controls, records to correct."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from .documents import Line, Moment, Part, Text, WebAddress, shorthand
from .vocabulary import (
    ActionStatus,
    Addresses,
    CauseStatus,
    Component,
    ControlState,
    FailureCategory,
    LinkKind,
    RecordState,
)

Taxon = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*:[^\s]+$")]
"""An entry of a taxonomy, such as ``owasp-llm:LLM06:2025``."""


class Timeline(Part):
    """When it happened, as dates or times with their zone."""

    occurred: Moment | None = None
    """First effect."""
    detected: Moment | None = None
    """Somebody or something noticed."""
    reported: Moment | None = None
    """It reached the people responsible."""
    contained: Moment | None = None
    """It could not get worse."""
    remediated: Moment | None = None
    """The fix was deployed."""
    recovered: Moment | None = None
    """Normal operation was approved."""


class Cause(Part):
    """What made the failure happen."""

    component: Component
    """The part of the system at fault."""
    status: CauseStatus = "hypothesis"
    """hypothesis until a replay or other evidence confirmed it."""
    note: Text | None = None
    """In words."""


class Failure(Part):
    """What failed, in the field's words."""

    summary: Text | None = None
    """What happened, in a few sentences."""
    category: FailureCategory = "unknown"
    """The kind of failure."""
    cause: Cause | None = None
    """What made it happen."""
    taxonomy: list[Taxon] = []
    """Entries of taxonomies, such as ``owasp-llm:LLM06:2025`` or ``atlas:AML.T0053``."""


class Control(Part):
    """A control that should have prevented the failure."""

    name: Line
    """What it is called."""
    state: ControlState
    """held, failed, absent, bypassed, or exception (a granted exemption)."""
    note: Text | None = None
    """In words."""


class AffectedRecord(Part):
    """A record that the failure changed or showed."""

    id: Line
    """Its id in its system."""
    system: Line | None = None
    """The system it is in."""
    state: RecordState = "unknown"
    """to_correct, corrected, not_needed or unknown."""


class Affected(Part):
    """Who and what was affected."""

    users: Annotated[int, Field(ge=0)] | None = None
    """Number of users."""
    sessions: Annotated[int, Field(ge=0)] | None = None
    """Number of sessions."""
    segment: Line | None = None
    """Which users or which workflow."""
    records: list[Annotated[AffectedRecord, shorthand(AffectedRecord, "id")]] = []
    """Records, or their ids."""
    since: Moment | None = None
    """Since when."""


class Remediation(Part):
    """A change that is meant to prevent the failure."""

    change: Text
    """What was changed."""
    component: Component = "unknown"
    """The part of the system that was changed."""
    link: WebAddress | None = None
    """The change itself, such as a pull request."""
    addresses: Addresses | None = None
    """Whether it treats the symptom or the control that failed."""


class Measure(Part):
    """Something that is in force for a while: a control, a restriction, monitoring."""

    what: Text
    """In words."""
    owner: Line | None = None
    """Who sees to it."""
    until: Moment | None = None
    """When it ends."""


class Action(Part):
    """Something to be done."""

    what: Text
    """In words."""
    owner: Line | None = None
    """Who does it."""
    due: Moment | None = None
    """By when."""
    status: ActionStatus = "open"
    """open, in_progress, done or dropped."""
    link: WebAddress | None = None
    """Its ticket."""


class Attempt(Part):
    """A documented attempt to reproduce the failure."""

    what: Text
    """What was tried."""
    at: Moment | None = None
    """When."""
    by: Line | None = None
    """Who tried."""
    environment: Text | None = None
    """Where: versions, settings, data."""
    result: Text | None = None
    """What came of it."""


class Owners(Part):
    """Who answers for the case."""

    engineering: Line | None = None
    """Owns the fix."""
    business: Line | None = None
    """Owns the process the system serves."""
    risk: Line | None = None
    """Owns the risk."""


class Rollback(Part):
    """When and how to go back."""

    when: Text
    """The signal that calls for it."""
    how: Text | None = None
    """The steps."""


class Link(Part):
    """Where else the incident is recorded."""

    url: WebAddress
    """Its address."""
    kind: LinkKind = "other"
    """What is there."""
    note: Text | None = None
    """In words."""
