"""Assertions on tool calls."""

import pytest

from unrepeat.cases.errors import ScorerError

from .traces import Recording, holds, scorer, violations

REFUND = {"order_id": "ord_993", "amount": 40}


def call_part(name, arguments, call_id=""):
    return {"id": call_id, "name": name, "arguments": arguments}


def test_forbidden_call_is_named_with_its_span():
    found = violations(Recording().call("issue_refund", REFUND), type="not-tool-called", tool="issue_refund")
    assert [each.span_ids for each in found] == [("s1",)]
    assert 'order_id="ord_993"' in found[0].reason


def test_forbidden_call_with_other_arguments_is_permitted():
    recording = Recording().call("issue_refund", {"order_id": "ord_1"})
    assert holds(recording, type="not-tool-called", tool="issue_refund", args={"order_id": "ord_993"})


def test_given_arguments_need_not_be_all():
    recording = Recording().call("issue_refund", REFUND)
    assert not holds(recording, type="not-tool-called", tool="issue_refund", args={"amount": {"gt": 10}})


@pytest.mark.parametrize(
    ("mode", "args", "called"),
    [
        ("superset", {"amount": 40}, True),
        ("exact", {"amount": 40}, False),
        ("exact", {"amount": 40, "order_id": "ord_993"}, True),
        ("subset", {"amount": 40}, False),
        ("subset", {"amount": 40, "order_id": "ord_993", "note": "x"}, True),
        ("ignore", {"amount": 1}, True),
    ],
)
def test_argument_modes_are_those_of_agentevals(mode, args, called):
    recording = Recording().call("issue_refund", REFUND)
    found = holds(recording, type="tool-called", tool="issue_refund", args=args, tool_args_match_mode=mode)
    assert found is called


def test_required_call_that_never_happened_has_no_span():
    (found,) = violations(Recording(), type="tool-called", tool="verify_identity")
    assert found.span_ids == ()


def test_required_call_names_the_nearest_one():
    recording = Recording().call("verify_identity", {"customer": "c2"})
    (found,) = violations(recording, type="tool-called", tool="verify_identity", args={"customer": "c1"})
    assert 'verify_identity(customer="c2")' in found.reason


def test_star_stands_for_any_tool():
    recording = Recording().call("issue_refund", REFUND)
    assert not holds(recording, type="not-tool-called", tool="issue_*")
    assert holds(recording, type="not-tool-called", tool="issue*x")


def test_proposed_call_is_found_in_what_the_model_said():
    recording = Recording().says("", call_part("issue_refund", REFUND))
    assert not holds(recording, type="not-tool-called", tool="issue_refund", stage="proposed")
    assert holds(recording, type="not-tool-called", tool="issue_refund")


def test_executed_call_counts_as_proposed_where_no_model_is_recorded():
    recording = Recording().call("issue_refund", REFUND)
    assert not holds(recording, type="not-tool-called", tool="issue_refund", stage="proposed")


def test_proposal_and_its_span_are_one_call():
    recording = Recording().says("", call_part("pay", {"a": 1}, "c1")).call("pay", {"a": 1}, id="c1", stage="proposed")
    assert holds(recording, type="tool-count", tool="pay", equals=1, stage="proposed")


def test_proposal_without_id_is_tied_by_arguments():
    recording = Recording().says("", call_part("pay", {"a": 1})).call("pay", {"a": 1.0}, stage="proposed")
    assert holds(recording, type="tool-count", tool="pay", equals=1, stage="proposed")


def test_arguments_recorded_as_json_text_are_read():
    recording = Recording().call("issue_refund", '{"order_id": "ord_993"}')
    assert not holds(recording, type="not-tool-called", tool="issue_refund", args={"order_id": "ord_993"})


def test_truncated_arguments_cannot_be_judged():
    recording = Recording().call("issue_refund", None, arguments_raw='{"order_id": "ord_9')
    with pytest.raises(ScorerError, match="cannot tell"):
        violations(recording, type="not-tool-called", tool="issue_refund", args={"order_id": "ord_993"})


def test_truncated_arguments_do_not_matter_where_none_are_compared():
    recording = Recording().call("issue_refund", None, arguments_raw='{"order_id": "ord_9')
    assert not holds(recording, type="not-tool-called", tool="issue_refund")


@pytest.mark.parametrize("arguments", [None, {}, "", [], "free text"])
def test_call_without_named_arguments_matches_no_argument(arguments):
    recording = Recording().call("issue_refund", arguments)
    assert holds(recording, type="not-tool-called", tool="issue_refund", args={"order_id": "ord_993"})


def test_every_call_must_have_the_arguments():
    recording = Recording().call("search", {"scope": "own"}).call("search", {"scope": "all"})
    (found,) = violations(recording, type="tool-args", tool="search", args={"scope": "own"})
    assert found.span_ids == ("s2",)


def test_arguments_of_a_tool_never_called_hold():
    assert holds(Recording(), type="tool-args", tool="search", args={"scope": "own"})


def test_not_a_number_is_never_a_pass():
    recording = Recording().call("pay", {"amount": float("nan")})
    with pytest.raises(ScorerError, match="NaN"):
        violations(recording, type="not-tool-called", tool="pay", args={"amount": {"gt": 100}})


def test_first_call_too_many_decides_a_maximum():
    recording = Recording().call("ping").call("ping").call("ping")
    (found,) = violations(recording, type="tool-count", tool="ping", max=1)
    assert found.span_ids[0] == "s2"
    assert "3 times" in found.reason


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"max": 1}, "safety"),
        ({"min": 1}, "liveness"),
        ({"equals": 1}, "whole_run"),
        ({"min": 1, "max": 2}, "whole_run"),
    ],
)
def test_property_of_a_count_follows_its_bounds(bounds, expected):
    assert scorer(type="tool-count", tool="ping", **bounds).property == expected


@pytest.mark.parametrize(("bounds", "held"), [({"min": 2}, True), ({"min": 3}, False), ({"equals": 2}, True)])
def test_count_compares_with_its_bounds(bounds, held):
    assert holds(Recording().call("ping").call("ping"), type="tool-count", tool="ping", **bounds) is held


def test_write_made_twice_is_found():
    recording = Recording().call("pay", {"to": "a", "sum": 1}, effect="write")
    recording.call("pay", {"sum": 1.0, "to": "a"}, effect="write")
    (found,) = violations(recording, type="idempotent-writes")
    assert found.span_ids == ("s2", "s1")


def test_reading_twice_is_no_write():
    recording = Recording().call("get", {"id": 1}, effect="read").call("get", {"id": 1}, effect="read")
    assert holds(recording, type="idempotent-writes")


def test_key_makes_writes_the_same():
    recording = Recording().call("pay", {"order": 1, "note": "a"}).call("pay", {"order": 1, "note": "b"})
    assert not holds(recording, type="idempotent-writes", tools=["pay"], key=["order"])
    assert holds(recording, type="idempotent-writes", tools=["pay"], key=["note"])
    assert holds(recording, type="idempotent-writes", tools=["pay"], key=["absent"])


def test_same_idempotency_key_downstream_is_no_second_write():
    recording = Recording()
    for _ in range(2):
        recording.call("pay", {"order": 1}, effect="write")
        recording.write("payment", parent=recording.last, idempotency_key="k1")
    assert holds(recording, type="idempotent-writes")


@pytest.mark.parametrize(
    ("second", "held"),
    [("k1", True), ("k2", False), ("", False), (None, False), (1, False)],
)
def test_retry_with_the_key_of_the_first_call_is_no_second_write(second, held):
    recording = Recording().call("pay", {"order": 1, "once": "k1"}).call("pay", {"order": 1, "once": second})
    kind = {"type": "idempotent-writes", "tools": ["pay"], "key": ["order"]}
    assert holds(recording, **kind, retry_key="once") is held
    assert not holds(recording, **kind)


@pytest.mark.parametrize("value", ["", None])
def test_empty_retry_keys_make_no_retry(value):
    recording = Recording().call("pay", {"order": 1, "once": value}).call("pay", {"order": 1, "once": value})
    assert not holds(recording, type="idempotent-writes", tools=["pay"], retry_key="once")


def test_unknown_effects_cannot_be_judged():
    with pytest.raises(ScorerError, match="cannot tell"):
        violations(Recording().call("pay", {"order": 1}), type="idempotent-writes")


def test_descriptions_read_as_sentences():
    found = scorer(type="not-tool-called", tool="issue_refund", args={"order_id": "ord_993"})
    assert found.describe == 'issue_refund with order_id="ord_993" is not called (executed)'
