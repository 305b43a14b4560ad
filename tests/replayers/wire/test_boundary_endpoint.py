"""Boundaries over HTTP, for apps in any language."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.replayers.recordings import refund_trace
from tests.replayers.wire.served import Served, served

from unrepeat.cases.trace import Approval, Source, Span, ToolCall, Trace
from unrepeat.replayers.playback import Modes


def post(desk: Served, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    """Post to the endpoint and return status and body."""
    answer = httpx.post(f"{desk.root}/boundary/{path}", json=body, headers=headers)
    return answer.status_code, answer.json()


def traced(*spans: Span) -> Trace:
    return Trace(trace_id="t", source=Source(format="test"), spans=spans)


def test_recorded_tool_answers() -> None:
    with served(refund_trace()) as desk:
        assert post(desk, "tool/get_order", {"order_id": "ord_1"}) == (200, {"answer": "paid 10"})
        assert desk.faultless()


def test_recorded_error_is_handed_on_as_an_error() -> None:
    view = ToolCall(name="pay", arguments={}, error="TimeoutError: no answer in 5 s")
    with served(traced(Span(span_id="s1", view=view))) as desk:
        assert post(desk, "tool/pay", {}) == (200, {"error": "TimeoutError: no answer in 5 s"})


def test_text_of_a_recorded_result_is_handed_on() -> None:
    view = ToolCall(name="get", arguments={}, result={"a": 1}, result_raw='{"a":  1}')
    with served(traced(Span(span_id="s1", view=view))) as desk:
        assert post(desk, "tool/get", {}) == (200, {"answer": {"a": 1}, "text": '{"a":  1}'})


def test_unrecorded_call_is_refused_and_stops_the_replay() -> None:
    with served(refund_trace()) as desk:
        status, body = post(desk, "tool/refund", {"order_id": "ord_2"})
        assert status == 422
        assert body["error"].startswith("step 1, call of refund: the recording has no answer")
        assert desk.calls.stopped.is_set()
        assert not desk.calls.faults


def test_live_boundary_runs_and_gets_the_wording_to_use() -> None:
    with served(refund_trace(), Modes(live=frozenset({"tool"}))) as desk:
        assert post(desk, "tool/get_order", {"order_id": "ord_1"}) == (200, {"run": True, "step": 1})
        assert post(desk, "answers/1", {"answer": "paid 11"}) == (200, {"answer": "paid 11"})
        assert [each.grade for each in desk.playback.divergences] == ["changed_outcome"]


def test_live_boundary_may_fail() -> None:
    with served(refund_trace(), Modes(live=frozenset({"tool"}))) as desk:
        post(desk, "tool/get_order", {"order_id": "ord_1"})
        assert post(desk, "answers/1", {"error": "KeyError: 'x'"}) == (200, {"error": "KeyError: 'x'"})
        assert desk.playback.events[0].error == "KeyError: 'x'"


def test_answer_to_a_step_that_waits_for_none_is_a_fault() -> None:
    with served(refund_trace()) as desk:
        for step in ("1", "x", "99999999999999999999"):
            assert post(desk, f"answers/{step}", {"answer": 1})[0] == 404
        assert len(desk.calls.faults) == 3


@pytest.mark.parametrize("body", [{}, {"answer": 1, "error": "x"}, {"error": ""}, {"error": 3}])
def test_answer_in_another_form_is_a_fault(body: dict) -> None:
    with served(refund_trace(), Modes(live=frozenset({"tool"}))) as desk:
        post(desk, "tool/get_order", {"order_id": "ord_1"})
        assert post(desk, "answers/1", body)[0] == 400
        assert desk.playback.is_open(1)
        assert len(desk.calls.faults) == 1


def test_approval_is_answered() -> None:
    view = Approval(request={"amount": 10}, decision="approve", approver="kim")
    with served(traced(Span(span_id="s1", view=view))) as desk:
        _, body = post(desk, "approval/refund", {"amount": 10})
    assert body["answer"]["decision"] == "approve"


def test_unknown_kinds_are_refused() -> None:
    with served(refund_trace()) as desk:
        for path in ("tools/get_order", "tool/", "tool"):
            assert post(desk, path, {})[0] == 404
        assert len(desk.calls.faults) == 3


def nested() -> Trace:
    """Return a tool that was called inside two others, with two answers."""
    spans = []
    for outer, result in (("plan", "from plan"), ("check", "from check")):
        spans.append(Span(span_id=outer, view=ToolCall(name=outer, arguments={}, result="ok")))
        view = ToolCall(name="look", arguments={}, result=result, effect="write")
        spans.append(Span(span_id=f"in {outer}", parent_id=outer, view=view))
    return traced(*spans)


@pytest.mark.parametrize("header", ["tool:check", '["tool:check"]', "tool:check ,"])
def test_call_path_in_a_header_tells_calls_apart(header: str) -> None:
    with served(nested()) as desk:
        assert post(desk, "tool/look", {}, **{"x-unrepeat-path": header})[1] == {"answer": "from check"}


def test_span_of_a_live_boundary_is_the_call_path_of_what_it_calls() -> None:
    parent = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    with served(nested(), Modes(live=frozenset({"tool:check"}))) as desk:
        assert post(desk, "tool/check", {}, **parent)[1] == {"run": True, "step": 1}
        assert post(desk, "tool/look", {}, **parent)[1] == {"answer": "from check"}


@pytest.mark.parametrize("header", ["check", "[1]", "[", "tool:x," * 65])
def test_call_path_in_another_form_is_a_fault(header: str) -> None:
    with served(nested()) as desk:
        assert post(desk, "tool/look", {}, **{"x-unrepeat-path": header})[0] == 400
        assert len(desk.calls.faults) == 1


def test_clock_tells_the_apps_time() -> None:
    with served(refund_trace(), now=lambda: "2026-01-02T03:04:05Z") as desk:
        assert httpx.get(f"{desk.root}/boundary/clock").json() == {"answer": "2026-01-02T03:04:05Z"}


def test_clock_is_refused_where_nobody_knows_the_time() -> None:
    with served(refund_trace()) as desk:
        assert httpx.get(f"{desk.root}/boundary/clock").status_code == 404


@pytest.mark.parametrize(
    ("named", "doubts"),
    [((False, False), 0), ((True, True), 0), ((True, False), 1), ((False, True), 1)],
    ids=["none", "all", "the first", "the last"],
)
def test_request_without_a_trace_is_doubtful_where_others_name_it(named: tuple[bool, ...], doubts: int) -> None:
    own = "a" * 32
    with served(refund_trace(), trace_ids=frozenset({own})) as desk:
        httpx.get(f"{desk.root}/v1/models")  # another client of the app, which knows of no traces
        for is_named in named:
            headers = {"traceparent": f"00-{own}-{'b' * 16}-01"} if is_named else {}
            assert post(desk, "tool/get_order", {"order_id": "ord_1"}, **headers)[0] == 200
        assert ["1 requests for boundaries named no trace" in each for each in desk.calls.unseen] == [True] * doubts


def test_requests_of_other_traces_are_refused() -> None:
    own, other = "a" * 32, "c" * 32
    with served(refund_trace(), trace_ids=frozenset({own})) as desk:
        body = {"order_id": "ord_1"}
        assert post(desk, "tool/get_order", body, traceparent=f"00-{other}-{'b' * 16}-01")[0] == 422
        assert post(desk, "tool/get_order", body, traceparent="nonsense")[0] == 422
        assert len(desk.calls.faults) == 2
        assert desk.playback.events == []
        assert post(desk, "tool/get_order", body, traceparent=f"00-{own}-{'b' * 16}-01")[0] == 200


@pytest.mark.parametrize(
    "body",
    [
        b'{"order_id": "ord_2", "order_id": "ord_1"}',
        b'{"order_id": "ord_1", "order\\u005fid": "ord_1"}',
        b'{"order_id": "ord_1", "more": [{"a": 1, "a": 1}]}',
        b'{"order_id": "ord_2", "order_id": "ord_1", "more": "' + b"x" * 2_000_000 + b'"}',
    ],
    ids=["other value", "escaped", "inside", "long"],
)
def test_argument_given_twice_is_refused_and_noted(body: bytes) -> None:
    with served(refund_trace()) as desk:
        answer = httpx.post(f"{desk.root}/boundary/tool/get_order", content=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "repeated_key")
        assert "twice" in desk.calls.faults[0]
        assert not desk.playback.events


def test_integer_of_many_digits_is_an_argument() -> None:
    view = ToolCall(name="get", arguments={"n": 10**5000}, result="much")
    with served(traced(Span(span_id="s1", view=view))) as desk:
        answer = httpx.post(f"{desk.root}/boundary/tool/get", content=b'{"n": 1' + b"0" * 5000 + b"}")
        assert answer.status_code in (200, 400, 422)
        assert desk.calls.failed is None
