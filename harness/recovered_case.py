"""One case as a recovery report shows it: what people stated, what was run, what it showed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..cases import custody
from ..cases.completeness import completeness, share
from ..cases.evidence import CASE
from ..cases.library import LoadedCase
from ..cases.severity import severity_of
from ..cases.statement import statement_digest
from ..replayers.replay import Version
from ..reports.words import score_mark
from ..scorers.recovery import AssertionResult, RecoveredCase, Subject, TraceResult
from ..scorers.score import Score, ScorerFailure
from ..scorers.validations import kind_of
from ..scorers.verdict import CaseVerdict, TraceVerdict

STATED = (
    "system", "use_case", "severity_factors", "timeline", "detected_by", "failure", "controls", "barrier",
    "approved_for_use", "affected", "remediation", "compensating_controls", "actions", "attempts", "owners",
    "rollback", "monitoring", "residual_risk", "restrictions", "links",
)  # fmt: skip
"""Fields of case.yaml that approvers read."""
_WORST = ("fail", "crashed", "undecided", "absent", "pass")
"""Marks of a score, the one that counts over several traces first."""


def describe(loaded: LoadedCase, verdict: CaseVerdict) -> RecoveredCase:
    """Return a case with its proof.

    Args:
        loaded: The case as it is.
        verdict: The run that proves it fixed.
    """
    case, items = loaded.case, completeness(loaded.document.traces, loaded.case)
    stated = case.model_dump(mode="json", by_alias=True, include=set(STATED))
    return RecoveredCase(
        case_id=case.id,
        title=case.title,
        kind=case.kind,
        severity=case.severity or "",
        suggested_severity=severity_of(case.severity_factors) if case.severity_factors else "",
        verdict=verdict.verdict,
        scope=verdict.scope or "",
        reason=verdict.reason,
        run_id=verdict.run_id,
        run_at=verdict.created_at,
        baseline=_subject(verdict.baseline, "the recording"),
        candidate=_subject(verdict.candidate, ""),
        assertions=_assertions(verdict),
        traces=tuple(map(_trace, verdict.traces)),
        proves=verdict.proves,
        not_proven=verdict.not_proven,
        completeness=tuple(item.as_dict() for item in items),
        complete_share=round(share(items), 4),
        unredacted=_unredacted(loaded),
        digests=_digests(loaded),
        stated=stated,
    )


def _subject(version: Version | None, otherwise: str) -> Subject:
    return Subject(label=version.label, sha256=version.digest) if version else Subject(label=otherwise, sha256="")


def _digests(loaded: LoadedCase) -> dict[str, str]:
    path = loaded.folder.path / CASE
    named: Mapping[str, str] = loaded.digests
    return {
        "statement": statement_digest(path.read_bytes(), str(path)),
        **{name: named[name] for name in ("trace", "evidence", "custody")},
    }


def _unredacted(loaded: LoadedCase) -> bool:
    entries, _ = custody.read((loaded.folder.path / custody.FILE_NAME).read_bytes())
    return any(entry.details.get("redaction") == "none" for entry in entries)


def _assertions(verdict: CaseVerdict) -> tuple[AssertionResult, ...]:
    before = [score for trace in verdict.traces for score in trace.recorded_scores]
    after = [score for trace in verdict.traces if trace.candidate for score in trace.candidate.scores]
    return tuple(_assertion(index, words, before, after) for index, words in enumerate(verdict.assertions))


def _assertion(
    index: int, words: str, before: list[Score | ScorerFailure], after: list[Score | ScorerFailure]
) -> AssertionResult:
    recorded, replayed = ([each for each in scores if each.assertion == index] for scores in (before, after))
    kind = next((each.type for each in (*replayed, *recorded)), "")
    scopes = [each.scope for each in replayed if isinstance(each, Score) and each.scope]
    return AssertionResult(
        words=words,
        type=kind,
        kind=kind_of(kind) or "",
        recorded=_mark(recorded),
        candidate=_mark(replayed),
        scope="recorded_action" if "recorded_action" in scopes else next(iter(scopes), ""),
    )


def _mark(scores: list[Score | ScorerFailure]) -> str:
    marks = [score_mark(each) for each in scores] or ["absent"]
    return min(marks, key=_WORST.index)


def _trace(trace: TraceVerdict) -> TraceResult:
    judged = trace.candidate
    replay = judged.replay if judged else None
    rate = trace.rate
    coverage: tuple[dict[str, Any], ...] = ()
    if replay is not None:
        coverage = tuple({name: getattr(row, name) for name in row.__struct_fields__} for row in replay.coverage)
    return TraceResult(
        trace_id=trace.recording.trace_id,
        verdict=trace.verdict,
        scope=trace.scope or "",
        outcome=replay.outcome if replay else "",
        isolation=replay.isolation if replay else "none",
        deterministic=judged.deterministic if judged else None,
        trials=rate.trials if rate else len(trace.trials) or int(judged is not None),
        failures=rate.failures if rate else 0,
        at_most=rate.at_most if rate else None,
        confidence=rate.confidence if rate else None,
        limit=replay.limit if replay else None,
        coverage=coverage,
    )
