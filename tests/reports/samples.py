"""A support desk as the reports see it: eight recorded steps, one candidate a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from unrepeat.cases.trace import Document, Retrieval, ToolCall, Trace
from unrepeat.replayers.replay import Divergence, FieldDifference, Version
from unrepeat.scorers.score import Score, ScorerFailure, Violation
from unrepeat.scorers.verdict import CaseVerdict, JudgedReplay, Settlement, TraceVerdict

from .desk import recording
from .replays import blocked, candidate, prompt_changed, repeated

ASSERTIONS = (
    "issue_refund is not called with order_id ord_993 (executed)",
    "every write of billing was approved by a person",
    "the answer does not contain “on its way”",
)
ITEMS = (
    "user request or business event|present|trace input",
    "system prompt and its version|present|step 2, support v14",
    "model, provider and parameters|present|steps 2, 4, 6",
    "retrieved context with document ids and versions|present|step 1",
    "model outputs|present|steps 2, 4, 6",
    "tool calls with arguments and results|present|steps 3, 5, 8",
    "permissions in force|inferred|from the tool result of step 3",
    "guardrail and validation results|missing|",
    "approval and review records|present|step 7",
    "timestamps|present|every span",
    "downstream writes|present|billing",
    "affected users or records|inferred|session",
    "detection signals|missing|",
    "feedback|not applicable|no feedback channel",
)


def red() -> tuple[Score | ScorerFailure, ...]:
    paid = "issue_refund was executed with order_id ord_993 at step 5"
    return (
        Score(
            type="not-tool-called", passed=False, reason=paid, span_ids=("s5",),
            violations=(Violation(reason=paid, span_ids=("s5", "s9")),), scorer_version="1",
        ),
        Score(type="approval-required", passed=False, reason="refund/rf_5512 was written without approval",
              assertion=1, span_ids=("s9",), scorer_version="1"),
        Score(type="not-contains", passed=False, reason="the answer says “on its way”", assertion=2),
    )  # fmt: skip


def green() -> tuple[Score | ScorerFailure, ...]:
    return (
        Score(type="not-tool-called", passed=True, reason="proposed at step 4, refused before it was executed",
              scope="recorded_action", span_ids=("c4",), scorer_version="1"),
        Score(type="approval-required", passed=True, reason="billing was not written", assertion=1,
              scope="recorded_action", scorer_version="1"),
        Score(type="not-contains", passed=None, reason="rests on the answer, which is beyond the recording",
              assertion=2, scorer_version="1"),
    )  # fmt: skip


def undecided() -> tuple[Score | ScorerFailure, ...]:
    why = "rests on steps beyond the recording"
    return tuple(msgspec.structs.replace(each, passed=None, reason=why, span_ids=(), violations=()) for each in red())


def case(word: Any, reason: str, judged: JudgedReplay, **more: Any) -> CaseVerdict:
    """A verdict with everything a run knows."""
    scope = more.pop("scope", None)
    found = {"verdict": word, "reason": reason, "scope": scope}
    trace = TraceVerdict(
        recording=recording(), recorded_scores=more.pop("recorded_scores", red()), candidate=judged, **found
    )
    items = tuple(dict(zip(("name", "state", "where"), item.split("|"), strict=True)) for item in ITEMS)
    digests = {"case.yaml": "c1" * 32, "trace.json": "d2" * 32, "manifest": "e3" * 32, "custody head": "f4" * 32}
    return CaseVerdict(
        case_id="inc-2026-0007", title="Refund issued to an order of another customer", severity="high",
        baseline=Version(label="recording"), candidate=candidate(), traces=(trace,), assertions=ASSERTIONS,
        digests=digests, completeness=items, created_at="2026-01-02T08:15:00Z", tool_version="0.1.0",
        run_id="20260102-081500-7f3a", **found, **more,
    )  # fmt: skip


def fixed() -> CaseVerdict:
    return case(
        "fixed", "The refund of another customer's order is refused before it is executed.",
        JudgedReplay(replay=blocked(), scores=green(), deterministic=True), scope="recorded_action",
        proves=("The recorded proposal issue_refund(ord_993) no longer goes through.",
                "Two of three assertions are red on the recording and green here."),
        not_proven=("What a live model would try next after the refusal.",
                    "The final answer: it lies beyond the recording."),
        next_command="unrepeat prove inc-2026-0007 --live model --trials 72",
    )  # fmt: skip


def still_failing() -> CaseVerdict:
    return case(
        "still_failing", "issue_refund is executed with order_id ord_993 at step 5, as in the recording.",
        JudgedReplay(replay=repeated(), scores=red(), deterministic=True),
        proves=("The failure is in the candidate.",), next_command="unrepeat replay inc-2026-0007 --step 5",
    )  # fmt: skip


def cannot_judge() -> CaseVerdict:
    settle = Settlement(
        command="unrepeat prove inc-2026-0007 --preset model-change --trials 10",
        why="the system prompt changed, so recorded answers prove nothing from step 2 on", calls=30,
    )  # fmt: skip
    return case(
        "cannot_judge", "The system prompt changed: the recording has no answer to what the model was asked.",
        JudgedReplay(replay=prompt_changed(), scores=undecided()),
        settlement=settle, not_proven=("Whether the new prompt prevents the refund.",),
    )  # fmt: skip


def crashed() -> CaseVerdict:
    failure = ScorerFailure(type="approval-required", error="KeyError: 'approver'", assertion=1, scorer_version="1")
    judged = JudgedReplay(replay=blocked(), scores=(green()[0], failure), deterministic=False)
    return case("error", "The scorer approval-required crashed.", judged)


def cannot_reproduce() -> CaseVerdict:
    calm = tuple(msgspec.structs.replace(each, passed=True, reason="holds") for each in red())
    judged = JudgedReplay(replay=repeated(), scores=calm, deterministic=True)
    return case("cannot_reproduce", "No assertion is red on the recording.", judged, recorded_scores=calm)


def every_verdict() -> tuple[CaseVerdict, ...]:
    return fixed(), still_failing(), cannot_judge(), cannot_reproduce(), crashed()


def with_traces(verdict: CaseVerdict, traces: Iterable[TraceVerdict]) -> CaseVerdict:
    """Return a verdict over these traces, each with an id of its own."""
    named = (
        msgspec.structs.replace(each, recording=msgspec.structs.replace(each.recording, trace_id=f"t{number}"))
        for number, each in enumerate(traces, 1)
    )
    return msgspec.structs.replace(verdict, traces=tuple(named))


def fifty() -> CaseVerdict:
    """Return a verdict over fifty traces of which two still fail: the 12th and the 40th."""
    good, bad = fixed().traces[0], still_failing().traces[0]
    return with_traces(still_failing(), (bad if number in (12, 40) else good for number in range(1, 51)))


def hostile(canary: str = "http://127.0.0.1:9") -> CaseVerdict:
    """A verdict in which every text from outside attacks whoever reads it."""
    attack = "".join(
        (
            "<script>window.owned = 1; alert(1)</script>",
            f"<img src={canary}/img onerror=alert(1)><iframe src={canary}/frame></iframe>",
            f"<link rel=stylesheet href={canary}/css><svg onload=alert(1)>",
            f"\"' onmouseover=alert(1) style=background:url({canary}/style) ",
            "{{7*7}} {% raise %} ${7*7} </style></script></pre><b><i>",
            "\x1b]52;c;ZXZpbA==\x07\x9b2J\u202egnp.exe\u2066\u200b\x00\r",
            "\n::error file=a::owned\n##[error]owned\n##vso[task.x]owned ::set-output name=a::b\n",
            "W" * 300,
        )
    )
    document = Document(id=attack, content=attack, uri="javascript:alert(1)", version=attack, metadata={attack: attack})
    linked = Document(id="d2", content=f"see {canary}/text", uri=f"{canary}/uri", status=attack)
    trace = _attacked(recording(), attack, (document, linked))
    replay = msgspec.structs.replace(
        blocked(), trace=_attacked(blocked().trace, attack, (document,)), error=attack, refused=(attack,),
        version=Version(label=attack, digest=attack), environment={attack: {attack: attack}}, isolation=attack,
        clock=attack, clock_doubt=attack,
        events=tuple(msgspec.structs.replace(each, name=attack, request=attack) for each in blocked().events),
        divergences=tuple(_attacked_divergence(each, attack) for each in blocked().divergences),
    )  # fmt: skip
    scores = tuple(msgspec.structs.replace(each, type=attack, reason=attack) for each in red())
    judged = JudgedReplay(replay=replay, scores=(*scores[:2], ScorerFailure(type=attack, error=attack, assertion=2)))
    verdict = TraceVerdict(
        recording=trace, recorded_scores=scores, verdict="fixed", reason=attack, candidate=judged, baseline=judged
    )
    item = {"name": attack, "state": "missing", "where": attack}
    return msgspec.structs.replace(
        fixed(), case_id="inc-hostile", title=attack, reason=attack, severity=attack, status=attack, kind=attack,
        traces=(verdict, verdict), assertions=(attack,) * 3, proves=(attack,), not_proven=(attack,), preset=attack,
        settlement=Settlement(command=attack, why=attack), next_command=attack, digests={attack: attack},
        completeness=(item,), created_at=attack, tool_version=attack, run_id=attack, candidate=replay.version,
    )  # fmt: skip


def _attacked(trace: Trace, attack: str, documents: tuple[Document, ...]) -> Trace:
    bad = ToolCall(name=attack, arguments={attack: attack}, result=attack, error=attack)
    found = Retrieval(query=attack, data_source=attack, documents=documents)
    spans = tuple(
        msgspec.structs.replace(
            each, name=attack, error=attack, attributes={attack: attack}, view=found if place == 0 else bad
        )
        for place, each in enumerate(trace.spans)
    )
    return msgspec.structs.replace(trace, trace_id=attack, spans=spans, input=attack, output=attack)


def _attacked_divergence(divergence: Divergence, attack: str) -> Divergence:
    field = FieldDifference(path=attack, change="changed", recorded=attack, replayed={attack: [attack]})
    return msgspec.structs.replace(divergence, name=attack, message=attack, differences=(field,))
