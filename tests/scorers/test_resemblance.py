"""Which known case a failure resembles, and why."""

from __future__ import annotations

from typing import Any

from unrepeat.cases.assertions import ASSERTION_ADAPTER
from unrepeat.cases.trace import Document
from unrepeat.scorers.features import Failure, Features
from unrepeat.scorers.resemblance import compare

from .traces import Recording


def failure(name: str, recording: Recording, *assertions: dict[str, Any], **more: Any) -> Features:
    stated = tuple(map(ASSERTION_ADAPTER.validate_python, assertions))
    return Features(Failure(name, (recording.trace(),), stated, **more))


def facts(this: Features, known: Features) -> list[str]:
    return [fact.words for likeness in compare(this, [known]) for fact in likeness.facts]


NO_SECRET = {"type": "not-contains", "name": "no key", "value": "sk-"}


def test_assertion_of_a_known_case_that_is_red_here_is_the_strongest_reason():
    known = failure("inc-1", Recording().answers("sk-1"), NO_SECRET)
    [found] = compare(failure("new", Recording().answers("your key is sk-2")), [known])
    assert (found.case, found.facts[0].words) == ("inc-1", "its assertion “no key” is red on this trace too")


def test_green_assertion_is_no_reason():
    known = failure("inc-1", Recording().answers("sk-1"), NO_SECRET)
    assert compare(failure("new", Recording().answers("hello")), [known]) == ()


def test_missing_call_or_text_is_no_reason_since_most_traces_lack_it():
    asked = [{"type": "tool-called", "tool": "verify"}, {"type": "contains", "value": "terms apply"}]
    known = failure("inc-1", Recording().answers("a"), *asked)
    assert compare(failure("new", Recording().answers("b")), [known]) == ()


OTHERS = {"type": "not-tool-called", "tool": "*", "args": {"customer": {"exists": True, "ne": "c1"}}}


def reading(user: str, customer: str) -> Recording:
    return Recording().of_user(user).call("get", {"customer": customer})


def test_assertion_about_a_session_is_read_for_the_session_of_the_new_trace():
    known = failure("inc-1", reading("c1", "c9"), OTHERS)
    assert facts(failure("new", reading("c2", "c7")), known)[0].startswith("its assertion 1 (not-tool-called *)")
    assert facts(failure("new", reading("c2", "c2")), known) == []


def test_assertion_about_a_session_is_left_out_where_the_session_is_unknown():
    known = failure("inc-1", reading("c1", "c9"), OTHERS)
    assert facts(failure("new", Recording().call("get", {"customer": "c7"})), known) == []


def test_values_of_its_own_run_count_less():
    asserted = {"type": "tool-args", "tool": "pay", "args": {"amount": {"lte": 10}}}
    known = failure("inc-1", Recording().call("pay", {"amount": 20}), asserted)
    assert compare(failure("new", Recording().call("pay", {"amount": 30, "to": "a"})), [known]) == ()


FORBID = {"type": "not-tool-called", "tool": "pay", "args": {"to": "x1"}}


def test_same_failing_call_with_its_arguments_is_named_without_their_values():
    known = failure("inc-1", Recording().call("pay", {"to": "x1"}), {"type": "approval-required", "tool": "pay"})
    told = facts(failure("new", Recording().call("pay", {"to": "x1"}), FORBID), known)
    assert "pay failed there with the same arguments" in told
    assert "the failing calls have the arguments to" in told
    assert not any("x1" in words for words in told)


def test_call_with_some_of_its_arguments_names_those():
    known = failure(
        "inc-1", Recording().call("pay", {"to": "x1", "day": 1}), {"type": "approval-required", "tool": "pay"}
    )
    this = failure("new", Recording().call("pay", {"to": "x1", "day": 2}), FORBID)
    assert "pay failed there with the same to" in facts(this, known)


def test_arguments_that_name_the_session_are_nothing_in_common():
    def paying(day: int) -> Recording:
        return Recording().of_user("x1").call("pay", {"to": "x1", "day": day})

    known = failure("inc-1", paying(1), {"type": "approval-required", "tool": "pay"})
    assert not any("with the same" in words for words in facts(failure("new", paying(2), FORBID), known))


def test_same_document_behind_both_is_a_reason():
    old = {"type": "retrieved", "not": {"id": "pol-1"}}
    known = failure("inc-1", Recording().retrieves(Document(id="pol-1")), old)
    told = facts(failure("new", Recording().retrieves(Document(id="pol-1")), old), known)
    assert "pol-1 stands behind both failures" in told


def test_weak_facts_alone_are_no_resemblance():
    known = failure("inc-1", Recording(), barrier="guardrail", category="bias")
    assert compare(failure("new", Recording(), barrier="guardrail", category="bias"), [known]) == ()


def test_unknown_barrier_and_category_are_never_in_common():
    known = failure("inc-1", Recording().answers("sk-1"), NO_SECRET, barrier="unknown", category="unknown")
    this = failure("new", Recording().answers("sk-1"), barrier="unknown", category="unknown")
    assert facts(this, known) == ["its assertion “no key” is red on this trace too"]


def test_more_facts_come_first_and_ties_are_in_order_of_ids():
    plain = [failure(name, Recording().answers("sk-1"), NO_SECRET) for name in ("inc-3", "inc-1")]
    both = failure("inc-9", Recording().answers("sk-1"), NO_SECRET, barrier="chance")
    this = failure("new", Recording().answers("sk-1"), barrier="chance")
    assert [each.case for each in compare(this, [*plain, both])] == ["inc-9", "inc-1", "inc-3"]


def test_case_does_not_resemble_itself():
    same = failure("inc-1", Recording().answers("sk-1"), NO_SECRET)
    assert compare(same, [same]) == ()


def test_assertion_that_crashes_or_cannot_tell_is_no_reason():
    hard = {"type": "writes", "allow": []}
    known = failure("inc-1", Recording().call("pay", {}), hard)
    assert compare(failure("new", Recording().call("pay", {})), [known]) == ()
