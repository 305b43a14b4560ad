"""What was written downstream."""

import pytest

from unrepeat.cases.errors import ScorerError

from .traces import Recording, holds, violations


def refund(resource="order/993", **fields):
    return Recording().call("issue_refund", {"id": 993}).write(resource, parent="s1", **fields)


def test_write_outside_what_is_allowed_is_found():
    (found,) = violations(refund(), type="writes", allow=[{"resource": "order/1"}])
    assert found.span_ids == ("s2", "s1")
    assert found.decided_at == "s1"


def test_allowed_write_holds():
    allow = [{"system": "shop", "resource": "order/*", "operation": "update"}]
    assert holds(refund(system="shop", operation="update"), type="writes", allow=allow)


def test_every_part_of_a_pattern_must_match():
    assert not holds(refund(system="shop", operation="delete"), type="writes", allow=[{"operation": "update"}])


def test_denied_write_is_found_though_allowed():
    assert not holds(refund(), type="writes", allow=[{"resource": "*"}], deny=[{"resource": "order/993"}])


def test_empty_allowance_permits_no_write():
    assert not holds(refund(), type="writes", allow=[])
    assert holds(Recording(), type="writes", allow=[])


@pytest.mark.parametrize(
    ("assertion", "held"),
    [
        ({"before": {"status": "paid"}}, True),
        ({"before": {"status": "refunded"}}, False),
        ({"after": {"amount": {"lte": 40}}}, True),
        ({"after": {"amount": {"lte": 39}}}, False),
    ],
)
def test_values_before_and_after_are_compared(assertion, held):
    recording = refund(before={"status": "paid", "id": 1}, after={"amount": 40})
    assert holds(recording, type="writes", **assertion) is held


def test_tool_stands_for_the_resource_where_no_write_is_recorded():
    recording = Recording().call("issue_refund", {}, effect="write").call("get_order", {}, effect="read")
    (found,) = violations(recording, type="writes", allow=[])
    assert found.span_ids == ("s1",)
    assert holds(recording, type="writes", allow=[{"resource": "issue_refund"}])


def test_unknown_effects_cannot_be_judged():
    with pytest.raises(ScorerError, match=r"cannot tell.*unrepeat\.tool\.effect"):
        violations(Recording().call("issue_refund", {}), type="writes", allow=[])


def test_tools_named_as_writing_decide_unknown_effects():
    recording = Recording().call("get_order", {}).call("issue_refund", {})
    (found,) = violations(recording, type="writes", allow=[], tools_that_write=["issue_*"])
    assert found.span_ids == ("s2",)


def test_values_cannot_be_judged_without_recorded_writes():
    recording = Recording().call("issue_refund", {}, effect="write")
    with pytest.raises(ScorerError, match="cannot tell"):
        violations(recording, type="writes", after={"amount": 1})


def test_irreversible_write_needs_an_approval():
    (found,) = violations(refund(reversible=False), type="writes", irreversible_needs_approval=True)
    assert "irreversible, and nobody approved it" in found.reason


def test_write_not_known_to_be_reversible_needs_one_too():
    assert not holds(refund(), type="writes", irreversible_needs_approval=True)
    assert holds(refund(reversible=True), type="writes", irreversible_needs_approval=True)


def test_approved_irreversible_write_holds():
    recording = Recording().approval(request_ref="c1").call("issue_refund", {"id": 1}, id="c1")
    recording.write("order/1", parent="s2", reversible=False)
    assert holds(recording, type="writes", irreversible_needs_approval=True)
