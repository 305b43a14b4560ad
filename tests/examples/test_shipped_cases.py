"""The shipped case folders: whole, made from the shipped traces, and red on the recording."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import unrepeat.cases
from unrepeat.cases import evidence
from unrepeat.cases.completeness import completeness
from unrepeat.cases.library import list_cases, load
from unrepeat.cases.readers import read_traces
from unrepeat.cases.redaction import Redactor
from unrepeat.cases.severity import severity_of
from unrepeat.cases.shipped.recording.case_folders import EXAMPLE_KEY, make
from unrepeat.cases.shipped.recording.scenarios import SCENARIOS
from unrepeat.cases.trace import Approval, Guardrail, Permission, Write
from unrepeat.harness.api import prove
from unrepeat.scorers.registry import compile_all, find_violations

SHIPPED = Path(next(iter(unrepeat.cases.__path__))) / "shipped"
LIBRARY = SHIPPED / "incidents"
SOURCES = {each.case: SHIPPED / "traces" / each.file for each in SCENARIOS if each.case}


@pytest.fixture(params=sorted(SOURCES))
def case(request):
    return load(LIBRARY / request.param)


def test_nine_incidents_and_two_near_misses_are_shipped():
    kinds = [load(folder).case.kind for folder in list_cases(LIBRARY)]
    assert sorted(kinds) == ["incident"] * 9 + ["near_miss"] * 2


def test_only_the_silent_pattern_has_several_traces():
    numbers = {folder.id: len(load(folder).document.traces) for folder in list_cases(LIBRARY)}
    assert {case_id: number for case_id, number in numbers.items() if number != 1} == {"inc-address-cleanup": 50}


def test_evidence_is_whole(case):
    assert evidence.verify(case.folder.path) == []


def test_each_assertion_is_red_on_every_trace(case):
    scorers = compile_all(case.case.assertions)
    for trace in case.document.traces:
        found = [find_violations(scorer, trace, index) for index, scorer in enumerate(scorers)]
        assert [bool(each) and isinstance(each, tuple) for each in found] == [True] * len(scorers)


def test_status_is_open(case):
    assert case.case.status == "open"


def test_case_folder_is_what_the_shipped_trace_makes(case, tmp_path):
    again = tmp_path / case.folder.id
    again.mkdir()
    shutil.copy(case.folder.path / "case.yaml", again)
    make(again, SOURCES[case.folder.id])
    files = (path for path in sorted(again.rglob("*")) if path.is_file())
    changed = [each.name for each in files if each.read_bytes() != (LIBRARY / each.relative_to(tmp_path)).read_bytes()]
    assert changed == [], "run `python -m unrepeat.cases.shipped.record --cases`"


def test_preserved_evidence_is_the_recorded_traces(case):
    source = SOURCES[case.folder.id]
    numbers = range(1, len(case.document.traces) + 1)
    files = [case.folder.path / f"evidence/trace-{number}{source.suffix}" for number in numbers]
    assert b"".join(file.read_bytes() for file in files) == source.read_bytes()


def test_nothing_in_the_traces_is_there_to_be_redacted(case):
    redactor = Redactor(EXAMPLE_KEY)
    list(read_traces(SOURCES[case.folder.id], transform=redactor.redact_value))
    assert redactor.report().counts == {}


def test_stated_severity_is_the_one_its_factors_suggest(case):
    assert case.case.severity == severity_of(case.case.severity_factors)


def test_case_names_what_sign_off_asks_for(case):
    stated = case.case
    parts = (stated.owners, stated.rollback, stated.residual_risk, stated.monitoring, stated.remediation)
    assert all((*parts, stated.controls, stated.failure, stated.timeline, stated.links))


def test_every_case_says_that_it_is_example_data(case):
    text = (case.folder.path / "case.yaml").read_text(encoding="utf-8")
    assert text.startswith("# Example data")


CHECKS = {"permissions in force", "guardrail and validation results"}
SEARCH = "retrieved context with document ids and versions"
NOT_THERE = {
    "inc-superseded-policy": CHECKS,  # no tool was asked for
    "inc-address-cleanup": {*CHECKS, SEARCH},  # the job searches nothing and checks nothing
    "inc-renamed-field": {*CHECKS, SEARCH},  # nor does triage
}


def test_only_what_did_not_happen_is_missing_from_the_evidence(case):
    missing = {each.name for each in completeness(case.document.traces, case.case) if each.state == "missing"}
    allowed = NOT_THERE.get(case.folder.id, set())
    assert missing <= {"feedback", "approval and review records", *allowed}


def test_views_beside_boundaries_are_read_once(case):
    trace = case.document.traces[0]
    for kind, attribute in (
        (Approval, "unrepeat.approval.decision"),
        (Permission, "unrepeat.permission.decision"),
        (Guardrail, "unrepeat.guardrail.verdict"),
        (Write, "unrepeat.write.resource"),
    ):
        emitted = sum(attribute in span.attributes for span in trace.spans)
        assert len(list(trace.views(kind))) == emitted


VERDICTS = {
    "inc-address-cleanup": ("fixed", "recorded_action"),
    "inc-blind-approval": ("fixed", "recorded_action"),
    "inc-duplicate-refund": ("fixed", "recorded_action"),
    "inc-hidden-instruction": ("fixed", "recorded_action"),
    "inc-internal-note": ("fixed", "whole_run"),
    "inc-promised-date": ("cannot_judge", None),
    "inc-renamed-field": ("fixed", "recorded_action"),
    "inc-superseded-policy": ("fixed", "recorded_action"),
    "inc-wrong-account": ("fixed", "recorded_action"),
    "nm-auto-reply": ("fixed", "whole_run"),
    "nm-refund-amount": ("fixed", "recorded_action"),
}
CAUSES = {
    "inc-address-cleanup": ("addresses", "addresses.py"),
    "inc-blind-approval": ("review", "screen.py"),
    "inc-duplicate-refund": ("payments", "payments.py"),
    "inc-hidden-instruction": ("guard", "guard.py"),
    "inc-internal-note": ("outgoing", "outgoing.py"),
    "inc-renamed-field": ("assessment", "assessment.py"),
    "inc-superseded-policy": ("retrieval", "knowledge.py"),
    "inc-wrong-account": ("permission", "access.py"),
    "nm-auto-reply": ("intake", "intake.py"),
    "nm-refund-amount": ("refunds", "refunds.py"),
}
DESK = SHIPPED / "support_desk"


def judged(case_id, candidate, **overrides):
    found = prove(str(LIBRARY / case_id), candidate=candidate, components=overrides)
    return found.verdict, found.scope


def test_v1_still_fails(case):
    assert judged(case.folder.id, "v1") == ("still_failing", None)


def test_v2_has_the_verdict_the_documentation_states(case):
    assert judged(case.folder.id, "v2") == VERDICTS[case.folder.id]


@pytest.mark.parametrize("case_id", sorted(CAUSES))
def test_each_fix_alone_in_v1_is_enough(case_id):
    component, file = CAUSES[case_id]
    overrides = {component: str(DESK / "v2/support_desk" / file)}
    assert judged(case_id, "v1", **overrides) == VERDICTS[case_id]


def test_first_attempt_against_the_note_still_fails():
    attempt = DESK / "attempts/keyword_filter/support_desk/guard.py"
    assert judged("inc-hidden-instruction", "v1", guard=str(attempt)) == ("still_failing", None)


def test_cannot_judge_names_the_command_that_would_settle_it():
    found = prove(str(LIBRARY / "inc-promised-date"), candidate="v2")
    assert found.settlement is not None
    assert "inc-promised-date" in found.settlement.command
