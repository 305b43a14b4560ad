"""What commands print: readable, plain when piped, harmless whatever the trace holds."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import msgspec
import pytest

from unrepeat.reports.terminal import (
    CaseRow,
    ImportSummary,
    Proposal,
    make_console,
    render_case_list,
    render_import_summary,
    render_replay,
    render_replays,
    render_trace,
    render_traces,
    render_verdict,
    render_verdict_summary,
)
from unrepeat.reports.text import cell_width

from .desk import recording
from .samples import ITEMS, cannot_judge, crashed, every_verdict, fifty, fixed, hostile, still_failing, with_traces

COMMAND = re.compile(r"^\s*::|##\[", re.MULTILINE)


def printed(render, *things, width=100, encoding="utf-8", **options):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    render(*things, make_console(file, width=width), **options)
    file.flush()
    return file.buffer.getvalue().decode(encoding)


def completeness():
    return [dict(zip(("name", "state", "where"), item.split("|"), strict=True)) for item in ITEMS]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("verdict", every_verdict(), ids=lambda each: each.verdict)
def test_no_line_is_wider_than_the_terminal(verdict, width):
    assert max(cell_width(line) for line in printed(render_verdict, verdict, width=width).splitlines()) <= width


def test_of_fifty_traces_only_those_that_differ_are_shown_whole():
    text = printed(render_verdict, fifty())
    assert text.count("RECORDED  ") == 2
    assert "trace 12 of 50, and 1 alike" in text
    assert "alike, with other values: 40" in text
    assert "2 still failing, 48 fixed" in text
    assert len(text.splitlines()) < 130


def test_the_failing_one_of_fifty_traces_comes_first():
    text = printed(render_verdict, fifty())
    assert text.index("trace 12 of 50") < text.index("trace 1 of 50")


def test_traces_that_all_differ_get_a_line_each():
    traces = [
        msgspec.structs.replace(trace, reason=f"reason {number}", recorded_scores=trace.recorded_scores[:1] * number)
        for number, trace in enumerate(still_failing().traces * 60, 1)
    ]
    text = printed(render_verdict, with_traces(still_failing(), traces))
    assert text.count("RECORDED  ") == 5
    assert "trace 45  Still failing: reason 45" in text
    assert "and 15 more; --json has them all" in text
    assert "trace 46 " not in text


def test_replays_of_fifty_traces_end_with_one_command():
    text = printed(render_replays, fifty(), next_command="unrepeat prove x")
    assert (text.count("RECORDED  "), text.count("$ unrepeat prove x")) == (2, 1)


def test_replay_that_was_only_scored_gets_no_verdict_in_its_line():
    traces = [
        msgspec.structs.replace(trace, recorded_scores=trace.recorded_scores[:1] * number)
        for number, trace in enumerate(fixed().traces * 8, 1)
    ]
    text = printed(render_replays, with_traces(fixed(), traces), next_command="unrepeat prove x")
    assert re.search("trace 7  ran to its end|trace 7  stopped", text)
    assert "Fixed" not in text


def test_one_replay_has_no_number():
    assert "trace 1" not in printed(render_replays, fixed(), next_command="unrepeat prove x")


def test_recordings_with_the_same_calls_are_shown_once():
    text = printed(render_traces, [recording()] * 50)
    assert text.count(" output ") == 1
    assert "alike, with other values: 2-50" in text


def test_piped_output_is_plain_text():
    assert "\x1b" not in printed(render_verdict, fixed())


def test_a_terminal_without_colour_gets_no_colour_codes(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]", printed(render_verdict, fixed()))


def test_an_ascii_terminal_gets_ascii():
    assert printed(render_verdict, fixed(), encoding="ascii").isascii()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_any_trace_prints_in_any_encoding(encoding):
    assert printed(render_verdict, hostile(), encoding=encoding)


def test_recorded_and_replayed_step_stand_side_by_side():
    row = next(line for line in printed(render_verdict, fixed()).splitlines() if "≠" in line)
    assert row.split() == ["6", "model", "gpt-4o-mini", "≠", "5", "model", "gpt-4o-mini"]


def test_a_call_that_was_not_made_has_an_empty_right_side():
    row = next(line for line in printed(render_verdict, fixed()).splitlines() if "▶" in line)
    assert row.split() == ["▶", "5", "tool", "issue_refund", "–", "not", "called"]


def test_the_first_divergence_shows_the_fields_that_differ():
    text = printed(render_verdict, cannot_judge())
    assert "first divergence: changed request (nearest recorded call: step 2)" in text
    assert "/system changed" in text
    assert "Never refund an order of another customer." in text


def test_beyond_the_recording_stands_between_the_last_valid_step_and_the_rest():
    text = printed(render_verdict, fixed())
    assert text.index("≠  5") < text.index("beyond the recording") < text.index("=  6")


def test_a_run_that_stayed_valid_has_no_such_line():
    assert "beyond" not in printed(render_verdict, still_failing())


def test_scores_show_the_recording_and_the_replay():
    assert " ✗  ✓   issue_refund is not called" in printed(render_verdict, fixed())


def test_an_undecided_score_is_not_shown_as_a_pass():
    assert " ✗  ?   the answer does not contain" in printed(render_verdict, fixed())


def test_a_scorer_that_crashed_is_named():
    assert "scorer crashed: KeyError: 'approver'" in printed(render_verdict, crashed())


def test_the_verdict_names_its_scope():
    assert "FIXED · RECORDED ACTION" in printed(render_verdict, fixed())


def test_what_would_settle_it_stands_whole_on_its_line():
    text = printed(render_verdict, cannot_judge(), width=60)
    assert "$ unrepeat prove inc-2026-0007 --preset model-change --trials 10\n" in text


def test_a_replay_without_a_verdict_is_rendered_beside_its_recording():
    judged = fixed().traces[0].candidate
    text = printed(render_replay, judged, recording=recording(), next_command="unrepeat prove x")
    assert "RECORDED" in text
    assert "$ unrepeat prove x" in text


def test_a_replay_without_its_recording_is_refused():
    with pytest.raises(ValueError, match="recording="):
        printed(render_replay, fixed().traces[0].candidate)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_trace_can_issue_a_workflow_command_or_a_terminal_escape(width):
    text = printed(render_verdict, hostile(), width=width) + printed(render_trace, hostile().traces[0].recording)
    assert not COMMAND.search(text)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b-\u200f]", text)


def test_even_wrapped_text_starts_no_workflow_command():
    text = "x" * 58 + "::error::owned " * 9
    verdict = msgspec.structs.replace(fixed(), reason=text, traces=())
    for width in range(50, 75):
        assert not COMMAND.search(printed(render_verdict, verdict, width=width))


def test_a_trace_is_shown_with_the_step_numbers_of_a_replay():
    text = printed(render_trace, recording())
    assert re.search(r" 5  tool +issue_refund", text)
    assert "session: inferred from the ticket" in text


def test_a_trace_without_times_says_so():
    spans = tuple(msgspec.structs.replace(each, start_ns=None, end_ns=None) for each in recording().spans)
    assert "no times" in printed(render_trace, msgspec.structs.replace(recording(), spans=spans))


def test_the_summary_puts_the_worst_first_and_counts():
    text = printed(render_verdict_summary, every_verdict(), width=120)
    assert text.index("Error") < text.index("Still failing") < text.index("Fixed ")
    assert "5 cases: 1 fixed" in text


def test_no_verdicts_is_not_a_pass():
    assert "not a pass" in printed(render_verdict_summary, ())


def test_cases_are_listed_one_a_line():
    rows = [CaseRow("inc-1", "A refund", severity="high"), CaseRow("nm-2", "A draft", kind="near_miss", status="fixed")]
    first, second, _, tally = printed(render_case_list, rows).splitlines()
    assert first.split() == ["inc-1", "open", "high", "A", "refund"]
    assert second.endswith("near miss")
    assert tally.strip() == "1 open, 1 fixed"


def test_an_import_ends_with_what_can_be_proven_and_numbered_proposals():
    summary = ImportSummary(
        "inc-1",
        can=["a guard stops it"],
        cannot=["what another model does"],
        add=["the seed"],
        completeness=completeness(),
        proposals=[Proposal("a is not called", "{type: not-tool-called}", "step 5 called it"), Proposal("b")],
        next_command="unrepeat replay inc-1",
    )
    text = printed(render_import_summary, summary, width=80)
    assert "14 items: 9 present, 2 inferred, 2 missing, 1 not applicable" in text
    assert re.search(r"1\. +a is not called", text)
    assert text.rstrip().endswith("$ unrepeat replay inc-1")


def test_rich_is_imported_only_when_something_is_printed():
    code = "import sys, unrepeat.reports.terminal; sys.exit('rich' in sys.modules or 'jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
