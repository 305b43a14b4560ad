"""What is known about a recovered case and what is not, each with where it comes from. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..cases.completeness import completeness
from ..cases.library import LoadedCase
from ..scorers.recovery import Known, Origin
from ..scorers.score import Score
from ..scorers.verdict import CaseVerdict


def confirmed(loaded: LoadedCase, verdict: CaseVerdict) -> Iterator[Known]:
    """Yield what a run or the recording shows, and what people call confirmed."""
    case = loaded.case
    for reason in _red(verdict)[:3]:
        yield _known(case.id, f"The recording shows the failure: {reason}", "observed")
    for sentence in verdict.proves:
        yield _known(case.id, sentence, "replayed")
    cause = case.failure.cause if case.failure else None
    if cause is not None and cause.status == "confirmed":
        yield _known(case.id, f"The cause is {cause.component}, confirmed.", "stated")
    recorded = [item.name for item in completeness(loaded.document.traces) if item.state == "present"]
    if recorded:
        yield _known(case.id, f"Recorded as such: {', '.join(recorded)}.", "observed")
    present = [item.name for item in completeness(loaded.document.traces, case) if item.state == "present"]
    told = [name for name in present if name not in recorded]
    if told:
        yield _known(case.id, f"Stated by people: {', '.join(told)}.", "stated")


def uncertain(loaded: LoadedCase, verdict: CaseVerdict) -> Iterator[Known]:
    """Yield what is inferred, missing, unknown or a hypothesis, and what the proof does not show."""
    case = loaded.case
    cause = case.failure.cause if case.failure else None
    if cause is None:
        yield _known(case.id, "Nobody has stated the cause.", "absent")
    elif cause.status != "confirmed":
        yield _known(case.id, f"The cause is {cause.component} as a hypothesis; nothing has confirmed it.", "stated")
    yield from _of_severity(loaded)
    yield from _of_extent(loaded)
    items = completeness(loaded.document.traces, case)
    for state, origin in (("inferred", "inferred"), ("missing", "absent")):
        names = [item.name for item in items if item.state == state]
        if names:
            words = "Only in part, or derived" if state == "inferred" else "Not in the evidence"
            yield _known(case.id, f"{words}: {', '.join(names)}.", "inferred" if origin == "inferred" else "absent")
    yield from _of_origins(loaded)
    for sentence in verdict.not_proven:
        yield _known(case.id, f"Not shown: {sentence}", "replayed")


def _known(case_id: str, text: str, origin: Origin) -> Known:
    return Known(text=text, origin=origin, case_id=case_id)


def _red(verdict: CaseVerdict) -> list[str]:
    scores = (score for trace in verdict.traces for score in trace.recorded_scores)
    return [score.reason for score in scores if isinstance(score, Score) and score.passed is False]


def _of_severity(loaded: LoadedCase) -> Iterator[Known]:
    case = loaded.case
    if case.severity is None:
        yield _known(case.id, "Nobody has stated the severity; it is treated as critical.", "absent")
    factors = case.severity_factors
    if factors is None:
        return
    unknown = [name for name in type(factors).model_fields if getattr(factors, name) == "unknown"]
    if factors.uncertainty in ("medium", "high"):
        yield _known(case.id, f"The severity factors are stated with {factors.uncertainty} uncertainty.", "stated")
    if unknown:
        yield _known(case.id, f"Severity factors not known: {', '.join(unknown).replace('_', ' ')}.", "absent")


def _of_extent(loaded: LoadedCase) -> Iterator[Known]:
    case = loaded.case
    if case.affected is None:
        yield _known(case.id, "Nobody has stated who and what was affected.", "absent")
        return
    if case.affected.users is None and case.affected.sessions is None:
        yield _known(case.id, "How many users or sessions were affected is not known.", "absent")
    unclear = [record.id for record in case.affected.records if record.state in ("unknown", "to_correct")]
    if unclear:
        yield _known(case.id, f"Records not known to be correct: {', '.join(unclear[:10])}.", "stated")


def _of_origins(loaded: LoadedCase) -> Iterator[Known]:
    """Yield which values of the trace were not simply observed, by kind of origin."""
    found: dict[str, Counter[str]] = {"inferred": Counter(), "stated": Counter()}
    for trace in loaded.document.traces:
        for origins in (trace.origins, *(span.origins for span in trace.spans)):
            for name, origin in origins.items():
                if origin.kind in found:
                    found[origin.kind][name] += 1
    for kind, names in found.items():
        if names:
            told = ", ".join(f"{name} ({number})" if number > 1 else name for name, number in sorted(names.items()))
            yield _known(
                loaded.case.id,
                f"Values of the trace that are {kind}: {told}.",
                "stated" if kind == "stated" else "inferred",
            )
