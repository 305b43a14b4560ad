"""Times of a trace."""

from unrepeat.cases.trace import Evaluation, Source, Span, Trace
from unrepeat.reports.timeline import timeline_of

SECOND = 1_000_000_000


def trace_of(*spans):
    return Trace(trace_id="t", source=Source(format="chat"), spans=spans)


def place(timeline, span):
    return timeline.place(span)


def test_a_score_given_later_does_not_make_the_run_longer():
    run = Span(span_id="a", start_ns=10 * SECOND, end_ns=12 * SECOND)
    score = Span(span_id="b", start_ns=900 * SECOND, end_ns=900 * SECOND, view=Evaluation(name="tone"))
    timeline = timeline_of(trace_of(run, score))
    assert timeline.total_s == 2
    assert place(timeline, run).share == 1
    assert timeline.place(score) is None


def test_a_score_given_during_the_run_has_its_place():
    run = Span(span_id="a", start_ns=10 * SECOND, end_ns=12 * SECOND)
    score = Span(span_id="b", start_ns=11 * SECOND, end_ns=11 * SECOND, view=Evaluation(name="tone"))
    assert place(timeline_of(trace_of(run, score)), score).start == 0.5


def test_a_trace_of_scores_alone_has_times():
    spans = [Span(span_id=name, start_ns=at * SECOND, view=Evaluation()) for name, at in (("a", 1), ("b", 3))]
    assert timeline_of(trace_of(*spans)).total_s == 2
