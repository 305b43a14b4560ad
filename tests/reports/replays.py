"""Replays of the support desk: one that refuses the refund, one that repeats it, one with another prompt."""

from __future__ import annotations

from typing import Any

import msgspec

from unrepeat.cases.trace import Approval, Retrieval
from unrepeat.replayers.replay import BoundaryEvent, Coverage, Divergence, FieldDifference, Replay, Version

from .desk import ANSWER, DOCUMENTS, QUESTION, REFUSED, SYSTEM, Desk, asks, opening, recording, told


def event(seq: int, kind: Any, name: str, recorded: str, **more: Any) -> BoundaryEvent:
    fields: dict[str, Any] = {"mode": "recorded", "match": "exact", "valid": True, "span_id": f"c{seq}"} | more
    return BoundaryEvent(seq=seq, kind=kind, name=name, recorded_span_id=recorded, **fields)


def opening_events() -> list[BoundaryEvent]:
    return [
        event(1, "retrieval", "policy_index", "s1"),
        event(2, "model", "gpt-4o-mini", "s2"),
        event(3, "tool", "lookup_order", "s3"),
        event(4, "model", "gpt-4o-mini", "s4", match="noise"),
    ]


def noise() -> Divergence:
    clock = FieldDifference(path="/metadata/sent_at", change="changed", recorded="09:40:01", replayed="09:40:02")
    message = "only learned noise differs"
    return Divergence(seq=4, grade="noise", kind="model", name="gpt-4o-mini", message=message, differences=(clock,))


def blocked() -> Replay:
    """The candidate refuses the refund at recorded step 5; the model's next question is a new one."""
    desk = Desk("c")
    opening(desk)
    desk.history.append(desk.pool.add(told(REFUSED, "c2")))
    desk.model(asks("send_reply", {"text": ANSWER}, "c3"))
    desk.span("decide", Approval(request={"reply": ANSWER}, approver="m.okafor", decision="approve"), 1)
    desk.tool("send_reply", {"text": ANSWER}, {"sent": True}, "c3", effect="external")
    answered = {"status": "refunded", "refund_id": "rf_5512"}
    changed = (
        FieldDifference(path="/messages/4/content", change="changed", recorded=answered, replayed=REFUSED),
        FieldDifference(path="/params/seed", change="added", replayed=7),
    )
    gone = Divergence(
        seq=4, grade="missing_call", kind="tool", name="issue_refund", recorded_span_id="s5",
        message="the recorded call issue_refund(ord_993) was not made",
    )  # fmt: skip
    asked = Divergence(
        seq=5, grade="changed_request", kind="model", name="gpt-4o-mini", recorded_span_id="s6", loses_validity=True,
        message="the model was told that the refund was refused", differences=changed,
    )  # fmt: skip
    after = [
        event(5, "model", "gpt-4o-mini", "s6", match="none", valid=False),
        event(6, "approval", "decide", "s7", valid=False),
        event(7, "tool", "send_reply", "s8", valid=False),
    ]
    return Replay(
        case_id="inc-2026-0007", version=candidate(), replayer="python", outcome="completed",
        trace=desk.trace("r-1", ANSWER), trace_id="t-1", events=tuple(opening_events() + after),
        divergences=(noise(), gone, asked), limit=5, coverage=coverage(), isolation="netns", duration_s=0.214,
        environment={"python": "3.11.7", "platform": "linux", "packages": {"openai": "1.99.1"}}, digest="9f" * 32,
        refused=("connect 140.82.112.3:443 from lamps/telemetry.py:41",),
        faults=("POST /v1/audio/speech: no endpoint /v1/audio/speech",),
    )  # fmt: skip


def repeated() -> Replay:
    """A candidate that does what was recorded, step by step."""
    kinds = ("retrieval", "model", "tool", "model", "tool", "model", "approval", "tool")
    names = "policy_index gpt-4o-mini lookup_order gpt-4o-mini issue_refund gpt-4o-mini decide send_reply".split()
    events = tuple(
        event(seq, kind, name, f"s{seq}", span_id=f"s{seq}")
        for seq, (kind, name) in enumerate(zip(kinds, names, strict=True), 1)
    )
    return msgspec.structs.replace(
        blocked(), trace=recording(), events=events, divergences=(), limit=None, refused=(), digest="1e" * 32
    )


def prompt_changed() -> Replay:
    """The candidate sends another system prompt: nothing after its first model call is answered."""
    desk = Desk("c")
    desk.span("policy_index", Retrieval(query="refund undelivered order", documents=DOCUMENTS), 84)
    new = SYSTEM + " Never refund an order of another customer."
    changed = FieldDifference(path="/system", change="changed", recorded=SYSTEM, replayed=new)
    asked = Divergence(
        seq=2, grade="changed_request", kind="model", name="gpt-4o-mini", recorded_span_id="s2", loses_validity=True,
        message="the system prompt changed", differences=(changed,),
    )  # fmt: skip
    request = {"system": new, "messages": [QUESTION]}
    stop = event(
        2, "model", "gpt-4o-mini", "s2", match="none", valid=False, request=request, error="no answer", span_id=""
    )
    return msgspec.structs.replace(
        blocked(), trace=desk.trace("r-2", ""), events=(opening_events()[0], stop), divergences=(asked,), limit=2,
        outcome="stopped", error="no recorded answer to step 2", refused=(), digest="",
        coverage=(Coverage(kind="model", unmatched=1, missing=2), Coverage(kind="retrieval", exact=1)),
    )  # fmt: skip


def coverage() -> tuple[Coverage, ...]:
    return (
        Coverage(kind="model", exact=1, noise=1, unmatched=1),
        Coverage(kind="retrieval", exact=1),
        Coverage(kind="tool", exact=2, missing=1),
        Coverage(kind="approval", exact=1),
    )


def candidate() -> Version:
    return Version(label="working tree", digest="3f2a9c41" * 8, path="support-desk")
