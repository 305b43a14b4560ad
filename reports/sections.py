"""From a verdict to what its page holds: steps, spans, scores and their links, in order and within limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..cases.trace import Span, Trace
from ..replayers.replay import FieldDifference, Replay
from ..scorers.score import Score, ScorerFailure
from ..scorers.verdict import CaseVerdict, JudgedReplay, TraceVerdict
from .calls import answer_line, call_of_span, is_boundary, kind_of, request_line
from .differences import segments
from .facts import facts_of
from .likeness import Alike, alike_verdicts, ranges, tally
from .page import Assertion, Difference, Evidence, Half, Judged, Lane, Page, Section, SpanRow, StepRow, TraceRow
from .steps import Side, Step, pair_steps
from .timeline import Timeline, timeline_of
from .values import Allowance, Value, as_text
from .words import GRADES, STATES, duration, score_mark

MOST_ROWS = 400
"""Steps, and spans of a timeline, on a page; the JSON of the run has the rest."""
MOST_SECTIONS = 10
"""Traces of a case that are shown whole."""
MOST_TRACES = 1_000
"""Lines of the table of traces."""
_LINE = 150
_DIFFERENCE = 6_000


def page_of(verdict: CaseVerdict) -> Page:
    """Work out the page of a verdict."""
    allowance = Allowance()
    states = [str(item.get("state", "missing")) for item in verdict.completeness]
    shown = alike_verdicts(verdict)[:MOST_SECTIONS]
    return Page(
        verdict,
        tuple(_trace_rows(verdict, shown)) if len(verdict.traces) > 1 else (),
        tally(verdict.traces),
        max(len(verdict.traces) - MOST_TRACES, 0),
        tuple(_section(verdict, group, allowance) for group in shown),
        tuple(dict.fromkeys(_source(trace) for trace in verdict.traces)),
        tuple((state, states.count(state)) for state in STATES if state in states),
    )


def _trace_rows(verdict: CaseVerdict, shown: Sequence[Alike]) -> Iterator[TraceRow]:
    places = {number: group.number for group in shown for number in (group.number, *group.others)}
    for number, trace in enumerate(verdict.traces[:MOST_TRACES], 1):
        session = trace.recording.session
        yield TraceRow(number, trace, session.user_id if session else "", places.get(number, 0))


def _source(trace: TraceVerdict) -> tuple[str, str]:
    source = trace.recording.source
    return source.sha256, f"{source.file}, {source.format}"


class _Anchors:
    """Ids on the page for the spans of one run; never made of text from the trace."""

    def __init__(self, prefix: str, trace: Trace) -> None:
        self.prefix = prefix
        self.labels: dict[str, str] = {}
        self.places: dict[str, int] = {}
        number = 0
        for place, span in enumerate(trace.spans, 1):
            number += is_boundary(span)
            self.places[span.span_id] = place
            self.labels[span.span_id] = f"step {number}" if is_boundary(span) else kind_of(span)

    def of(self, span_id: str) -> str:
        place = self.places.get(span_id, 0)
        return f"{self.prefix}-{place}" if 0 < place <= MOST_ROWS else ""


def _section(verdict: CaseVerdict, group: Alike, allowance: Allowance) -> Section:
    place, trace = group.number, verdict.traces[group.number - 1]
    recorded = _Anchors(f"recorded-{place}", trace.recording)
    replay = trace.candidate.replay if trace.candidate else None
    replayed = _Anchors(f"replayed-{place}", replay.trace) if replay else None
    steps = pair_steps(trace.recording, replay) if replay else ()
    lanes = [_lane("Recording", trace.recording, recorded, allowance)]
    if replay and replayed:
        lanes.append(_lane(f"Replay of {replay.version.label}", replay.trace, replayed, allowance))
    return Section(
        place,
        ranges(group.others),
        trace,
        tuple(_assertions(verdict, trace, recorded, replayed)),
        tuple(_step_row(step, recorded, replayed) for step in steps[:MOST_ROWS]),
        max(len(steps) - MOST_ROWS, 0),
        tuple(lanes),
        tuple(_environment(replay, allowance)) if replay else (),
    )


def _lane(title: str, trace: Trace, anchors: _Anchors, allowance: Allowance) -> Lane:
    timeline = timeline_of(trace)
    shown: set[int] = set()
    rows = tuple(_span_row(trace, span, timeline, anchors, allowance, shown) for span in trace.spans[:MOST_ROWS])
    total = duration(timeline.total_s) if timeline.timed else ""
    return Lane(title, rows, max(len(trace.spans) - MOST_ROWS, 0), total)


def _span_row(
    trace: Trace, span: Span, timeline: Timeline, anchors: _Anchors, allowance: Allowance, shown: set[int]
) -> SpanRow:
    place = timeline.place(span)
    label = anchors.labels[span.span_id]
    return SpanRow(
        anchor=anchors.of(span.span_id),
        number=label.removeprefix("step ") if label.startswith("step ") else "",
        kind=kind_of(span),
        name=call_of_span(trace, span).name,
        depth=min(timeline.depth(span), 5),
        bar=(round(place.start * 100, 2), max(round(place.share * 100, 2), 0.8)) if place else None,
        took=duration(place.duration_s) if place else "",
        proposed=getattr(span.view, "stage", "") == "proposed",
        facts=facts_of(trace, span, allowance, shown),
    )


def _step_row(step: Step, recorded: _Anchors, replayed: _Anchors | None) -> StepRow:
    divergence = step.divergence
    quiet = divergence is None or divergence.grade == "noise"
    return StepRow(
        step=step,
        left=_half(step.recorded, recorded),
        right=_half(step.replayed, replayed) if replayed else None,
        grade=GRADES[divergence.grade] if divergence else "",
        message=divergence.message if divergence else "",
        differences=tuple(_difference(each) for each in step.differences[:40]),
        unfolded=not quiet and not step.beyond,
    )


def _half(side: Side | None, anchors: _Anchors) -> Half | None:
    if side is None:
        return None
    call = side.call
    lines = request_line(call, _LINE), answer_line(call, _LINE)
    return Half(side.number, call.kind, call.name, *lines, bool(call.error), anchors.of(call.span_id))


def _difference(difference: FieldDifference) -> Difference:
    old, new = as_text(difference.recorded, line=2), as_text(difference.replayed, line=2)
    left_out = max(len(old) - _DIFFERENCE, 0) + max(len(new) - _DIFFERENCE, 0)
    before, after = segments(old[:_DIFFERENCE], new[:_DIFFERENCE])
    if difference.change == "added":
        before = ()
    if difference.change == "removed":
        after = ()
    return Difference(difference.path, difference.change, before, after, left_out)


def _assertions(
    verdict: CaseVerdict, trace: TraceVerdict, recorded: _Anchors, replayed: _Anchors | None
) -> Iterator[Assertion]:
    before = {each.assertion: each for each in trace.recorded_scores}
    middle = _by_assertion(trace.baseline)
    after = _by_assertion(trace.candidate)
    for index in sorted(before | middle | after):
        score = before.get(index) or middle.get(index) or after[index]
        words = verdict.assertions[index] if index < len(verdict.assertions) else ""
        yield Assertion(
            words or getattr(score, "name", "") or score.type,
            score.type,
            _judged(before.get(index), (recorded,)),
            _judged(middle.get(index), ()),
            _judged(after.get(index), (replayed, recorded) if replayed else (recorded,)),
        )


def _by_assertion(judged: JudgedReplay | None) -> dict[int, Score | ScorerFailure]:
    return {each.assertion: each for each in judged.scores} if judged else {}


def _judged(score: Score | ScorerFailure | None, runs: Sequence[_Anchors]) -> Judged | None:
    if score is None:
        return None
    if isinstance(score, ScorerFailure):
        return Judged(score_mark(score), f"the scorer crashed: {score.error}", "", (), score.scorer_version)
    ids = dict.fromkeys([*score.span_ids, *(each for found in score.violations for each in found.span_ids)])
    links = tuple(filter(None, (_evidence(span_id, runs) for span_id in list(ids)[:12])))
    return Judged(score_mark(score), score.reason, score.scope or "", links, score.scorer_version)


def _evidence(span_id: str, runs: Sequence[_Anchors]) -> Evidence | None:
    for run in runs:
        if run.of(span_id):
            which = "recorded" if run.prefix.startswith("recorded") else "replayed"
            return Evidence(run.of(span_id), f"{which} {run.labels[span_id]}")
    return None


def _environment(replay: Replay, allowance: Allowance) -> Iterator[tuple[str, Value]]:
    for name, raw in replay.environment.items():
        if isinstance(raw, Mapping):
            yield name, allowance.value("\n".join(f"{key} {_short(value)}" for key, value in raw.items()))
        else:
            yield name, allowance.value(raw)


def _short(value: Any) -> str:
    return value if isinstance(value, str) else as_text(value)
