"""From a case folder and a version to a verdict, with real child processes."""

from __future__ import annotations

import msgspec
import pytest
from tests.harness.refund_project import ASSERT, make_project, proven
from tests.replayers.recordings import APP, refund_trace

from unrepeat.cases.errors import CaseError, ConfigError, ScorerError
from unrepeat.cases.files import write_atomic
from unrepeat.harness.versions import tree_digest

GREEN = "assert: [{type: not-tool-called, tool: launch_missiles}]\n"


@pytest.fixture
def case(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return make_project(tmp_path)


@pytest.mark.parametrize(
    ("candidate", "verdict", "scope"),
    [
        (None, "still_failing", None),
        ("v1", "still_failing", None),
        ("guarded", "fixed", "recorded_action"),
        ("early", "fixed", "whole_run"),
        ("prompted", "cannot_judge", None),
        ("moody", "cannot_judge", None),
        ("crashing", "error", None),
        ("exiting", "error", None),
        ("unimportable", "error", None),
    ],
)
def test_verdict_of_each_version(case, candidate, verdict, scope):
    found = proven(case, candidate)
    assert (found.verdict, found.scope) == (verdict, scope)


def test_version_that_hangs_is_an_error(case):
    found = proven(case, "hanging")
    assert (found.verdict, found.reason) == ("error", "the candidate timed out: no answer within 5 s")


def test_recording_is_red_first(case):
    [trace] = proven(case, "guarded").traces
    assert [getattr(score, "passed", None) for score in trace.recorded_scores] == [False]


def test_case_that_the_recording_does_not_break_proves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert proven(make_project(tmp_path, GREEN), "guarded").verdict == "cannot_reproduce"


def test_baseline_is_replayed_too(case):
    found = proven(case, "guarded", baseline="v1")
    [trace] = found.traces
    assert (found.verdict, found.baseline and found.baseline.label) == ("fixed", "v1")
    assert trace.baseline is not None
    assert [getattr(score, "passed", None) for score in trace.baseline.scores] == [False]


def test_baseline_that_crashes_shows_nothing(case):
    assert proven(case, "guarded", baseline="crashing").verdict == "error"


def test_further_assertion_that_is_undecided_is_no_fix(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    also = ASSERT.replace("]", ", {type: contains, value: Done}]")
    assert proven(make_project(tmp_path, also), "guarded").verdict == "cannot_judge"


def test_component_laid_over_the_version_that_failed_fixes_it(case, tmp_path):
    found = proven(case, "v1", components={"app": str(tmp_path / "guarded/app.py")})
    assert found.verdict == "fixed"


def test_recording_of_two_attempts_needs_both_prevented(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = proven(make_project(tmp_path, trace=refund_trace(refunds=2)), "guarded")
    assert (found.verdict, found.scope) == ("fixed", "recorded_action")


def test_case_of_two_traces_is_as_good_as_the_worse(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    from tests.cases.case_samples import ACT

    from unrepeat.cases import library
    from unrepeat.cases.trace import TraceDocument

    make_project(tmp_path)
    other = msgspec.structs.replace(refund_trace(), trace_id="t2", input={"text": "something else"})
    document = TraceDocument(traces=(refund_trace(), other))
    both = tmp_path / "incidents/inc-2"
    library.create(both, f"id: inc-2\ntitle: Two\n{ASSERT}", document, {}, ACT)
    assert [trace.verdict for trace in proven(both, "guarded").traces] == ["fixed", "cannot_judge"]
    assert proven(both, "guarded").verdict == "cannot_judge"


def test_versions_stay_as_they_were(case, tmp_path):
    before = tree_digest(tmp_path)
    proven(case, "guarded")
    assert tree_digest(tmp_path) == before


def test_result_names_what_it_was_made_from(case):
    found = proven(case, "guarded")
    assert found.candidate is not None
    assert len(found.candidate.digest) == 64
    assert set(found.digests) == {"case", "trace", "evidence", "custody"}


def test_draft_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CaseError, match="the case asserts nothing yet"):
        proven(make_project(tmp_path, "assert: []\n"))


@pytest.mark.parametrize("side", ["candidate", "baseline"])
@pytest.mark.parametrize("name", ["v9", "", "unrepeat.toml"])
def test_unknown_version_is_refused(case, side, name):
    with pytest.raises(ConfigError, match="expected a directory or a named version"):
        proven(case, **{side: name})


def test_assertion_about_an_unknown_trace_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScorerError, match="expected the id of a trace of the case"):
        proven(make_project(tmp_path, ASSERT.replace("refund}", "refund, trace: t9}")))


def test_case_without_a_described_system_is_refused(case, tmp_path):
    write_atomic(tmp_path / "unrepeat.toml", b"")
    with pytest.raises(ConfigError, match="expected a described system"):
        proven(case)


def test_uncommitted_files_of_the_working_tree_count(case, tmp_path):
    (tmp_path / "app.py").write_text(
        APP.replace("result = run(name, args)", 'result = "no" if name == "refund" else run(name, args)')
    )
    assert proven(case).verdict == "fixed"
