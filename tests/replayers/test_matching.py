"""Which recorded call answers a request."""

from __future__ import annotations

from itertools import product

import pytest
from tests.replayers.recordings import refund_trace, text

from unrepeat.cases.trace import MessagePool, ModelCall, Retrieval, Source, Span, ToolCall, Trace
from unrepeat.replayers.boundary import recorded_calls
from unrepeat.replayers.matching import CallIndex
from unrepeat.replayers.request import Conversation, PreparedRequest, Request, prepare


def tools(*calls: tuple[str, dict, str], effect: str = "read") -> CallIndex:
    """Return an index over tool calls of name, arguments and result."""
    spans = tuple(
        Span(span_id=f"s{number}", view=ToolCall(name=name, arguments=arguments, result=result, effect=effect))  # type: ignore[arg-type]
        for number, (name, arguments, result) in enumerate(calls, start=1)
    )
    return CallIndex(recorded_calls(Trace(trace_id="t", source=Source(format="test"), spans=spans)))


def ask(index: CallIndex, name: str, arguments: dict, path: tuple[str, ...] = ()):
    """Return the answer, match and grade of a call."""
    found, _ = index.find("tool", name, path, PreparedRequest(Request(kind="tool", value=arguments)))
    return (found.call.answer() if found.call else None, found.match, found.grade)


def test_same_calls_in_recorded_order_get_their_answers():
    index = tools(("a", {"x": 1}, "one"), ("a", {"x": 2}, "two"))
    assert [ask(index, "a", {"x": x}) for x in (1, 2)] == [("one", "exact", None), ("two", "exact", None)]


def test_swapped_calls_keep_their_own_answers():
    index = tools(("a", {"x": 1}, "one"), ("a", {"x": 2}, "two"))
    assert [ask(index, "a", {"x": x})[0] for x in (2, 1)] == ["two", "one"]


def test_swap_is_a_difference_of_order_only():
    index = tools(("a", {"x": 1}, "one"), ("a", {"x": 2}, "two"))
    assert ask(index, "a", {"x": 2}) == ("two", "exact", "order")


def test_equal_requests_are_answered_in_recorded_order():
    index = tools(("a", {}, "first"), ("a", {}, "second"), effect="write")
    assert [ask(index, "a", {})[0] for _ in range(2)] == ["first", "second"]


def test_changed_request_is_compared_with_the_call_of_its_place():
    index = tools(("a", {"x": 1}, "one"), ("a", {"x": 2}, "two"))
    assert ask(index, "a", {"x": 3}) == ("one", "none", "changed_request")


def test_call_beyond_the_recording_is_compared_with_the_nearest():
    index = tools(("a", {"x": 1, "y": 1}, "one"), ("a", {"x": 2, "y": 2}, "two"), effect="write")
    for x in (1, 2):
        ask(index, "a", {"x": x, "y": x})
    assert ask(index, "a", {"x": 2, "y": 3}) == ("two", "none", "unrecorded_call")


def test_read_asked_again_has_the_answer_it_had():
    index = tools(("a", {}, "one"))
    ask(index, "a", {})
    assert ask(index, "a", {}) == ("one", "exact", "changed_request_same_answer_valid")


def test_write_made_again_has_no_answer():
    index = tools(("a", {}, "one"), effect="write")
    ask(index, "a", {})
    assert ask(index, "a", {})[1:] == ("none", "unrecorded_call")


def test_call_of_unknown_effect_made_again_has_no_answer():
    index = tools(("a", {}, "one"), effect="unknown")
    ask(index, "a", {})
    assert ask(index, "a", {})[1:] == ("none", "unrecorded_call")


def test_tools_are_told_apart_by_name():
    assert ask(tools(("a", {}, "one")), "b", {}) == (None, "none", "unrecorded_call")


def test_same_request_inside_of_another_call_is_a_difference_of_order():
    assert ask(tools(("a", {}, "one")), "a", {}, ("tool:outer",)) == ("one", "exact", "order")


def test_numbers_and_booleans_are_told_apart():
    assert ask(tools(("a", {"x": 1}, "one")), "a", {"x": True})[1] == "none"


def test_recording_without_a_request_matches_no_request():
    span = Span(span_id="s", view=Retrieval())
    index = CallIndex(recorded_calls(Trace(trace_id="t", source=Source(format="test"), spans=(span,))))
    asked = PreparedRequest(Request(kind="retrieval", value={"query": "q"}))
    assert index.find("retrieval", "retrieval", (), asked)[0].match == "none"


def test_calls_that_were_not_made_are_missing():
    index = CallIndex(recorded_calls(refund_trace()))
    ask(index, "get_order", {"order_id": "ord_1"})
    assert [call.name for call in index.missing()] == ["model", "model", "refund", "model"]


def conversations(count: int, steps: int, *, one_path: bool = True) -> Trace:
    """Return so many sub-agents that ran side by side, each a conversation of so many model calls."""
    pool, spans = MessagePool(), []
    for agent in range(count):
        name = "research" if one_path else f"research_{agent}"
        spans.append(Span(span_id=f"a{agent}", view=ToolCall(name=name, arguments={"n": agent}, result="")))
    for agent, step in product(range(count), range(steps)):
        history = [text("system", "You research."), text("user", f"topic {agent}")]
        history += [text("assistant", f"answer {agent}.{each}") for each in range(step)]
        view = ModelCall(
            request_model="m1",
            input=tuple(map(pool.add, history)),
            output=(pool.add(text("assistant", f"answer {agent}.{step}")),),
        )
        spans.append(Span(span_id=f"m{agent}.{step}", parent_id=f"a{agent}", view=view))
    spans[count:] = sorted(spans[count:], key=lambda span: span.span_id.rpartition(".")[2])
    return Trace(trace_id="t", source=Source(format="test"), spans=tuple(spans), messages=pool.messages())


def think(index: CallIndex, agent: int, step: int, path: tuple[str, ...] | None, system: str = "You research."):
    """Return what was found for a sub-agent's model call, which has parameters that no trace has."""
    history = [("system", system), ("user", f"topic {agent}")]
    history += [("assistant", f"answer {agent}.{each}") for each in range(step)]
    body = {"model": "m1", "temperature": 0, "messages": [{"role": role, "content": said} for role, said in history]}
    request = prepare("model", body, Conversation())
    found, _ = index.find(
        "model", "model", index.likely_path("model", "model", request) if path is None else path, request
    )
    return found


@pytest.mark.parametrize("one_path", [True, False])
@pytest.mark.parametrize("known", [True, False])
def test_sub_agents_side_by_side_get_their_own_answers_in_any_order(one_path: bool, known: bool) -> None:
    index = CallIndex(recorded_calls(conversations(3, 3, one_path=one_path)))
    order = [(2, 0), (0, 0), (2, 1), (2, 2), (1, 0), (0, 1), (1, 1), (1, 2), (0, 2)]
    for agent, step in order:
        name = "research" if one_path else f"research_{agent}"
        found = think(index, agent, step, (f"tool:{name}",) if known else None)
        assert (found.match, found.call.span.span_id) == ("exact", f"m{agent}.{step}")
        assert found.grade in (None, "order")


def test_changed_request_of_a_sub_agent_stands_for_the_next_call_of_its_own_conversation() -> None:
    index = CallIndex(recorded_calls(conversations(3, 2)))
    for agent in (2, 1, 0):
        think(index, agent, 0, ("tool:research",))
    body = [text("system", "You research."), text("user", "topic 1"), text("assistant", "something else")]
    request = PreparedRequest(
        Request(kind="model", value={"model": "m1", "params": {}, "tools": [], "system": []}, messages=tuple(body))
    )
    found, _ = index.find("model", "model", ("tool:research",), request)
    assert found.call is not None
    assert (found.grade, found.call.span.span_id) == ("changed_request", "m1.1")


def test_system_prompt_apart_finds_its_place_among_sub_agents() -> None:
    index = CallIndex(recorded_calls(conversations(3, 1)))
    body = {"model": "m1", "system": "You research.", "messages": [{"role": "user", "content": "topic 2"}]}
    request = prepare("model", body, Conversation())
    found, _ = index.find("model", "model", ("tool:research",), request)
    assert found.call is not None
    assert (found.match, found.call.span.span_id) == ("exact", "m2.0")


def test_cost_of_a_call_does_not_grow_with_the_recording() -> None:
    """Counted in comparisons, which a busy machine does not change."""

    def comparisons(count: int) -> int:
        index, made = CallIndex(recorded_calls(conversations(count, 1, one_path=False))), 0
        original = PreparedRequest.comparable

        def counted(self, recorded):
            nonlocal made
            made += 1
            return original(self, recorded)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(PreparedRequest, "comparable", counted)
            for agent in reversed(range(count - 20, count)):
                assert think(index, agent, 0, None).match == "exact"
            assert think(index, 0, 0, None, system="You invent.").match == "none"
        return made

    assert comparisons(1000) == comparisons(100)
