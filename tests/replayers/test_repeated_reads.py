"""A read that is asked again has the answer it had, as long as nothing may have been written since."""

from __future__ import annotations

import msgspec
import pytest
from tests.replayers.recordings import refund_trace

from unrepeat.cases.trace import Source, Span, ToolCall, Trace
from unrepeat.replayers.boundary import recorded_calls
from unrepeat.replayers.matching import only_reads
from unrepeat.replayers.playback import Playback


def with_effects(effect: str) -> Trace:
    trace = refund_trace()
    spans = tuple(
        msgspec.structs.replace(span, view=msgspec.structs.replace(span.view, effect=effect))
        if isinstance(span.view, ToolCall)
        else span
        for span in trace.spans
    )
    return msgspec.structs.replace(trace, spans=spans)


def ask(playback: Playback, name: str, **arguments: object) -> str:
    return playback.ask("tool", name, arguments)[1].action


@pytest.mark.parametrize("effect", ["read", "unknown"])
def test_read_asked_again_has_the_answer_it_had(effect: str) -> None:
    playback = Playback(with_effects(effect))
    ask(playback, "get_order", order_id="ord_1")
    assert ask(playback, "get_order", order_id="ord_1") == "answer"
    assert (playback.limit, playback.divergences[-1].grade) == (None, "changed_request_same_answer_valid")


def test_read_asked_again_after_a_write_has_no_answer() -> None:
    playback = Playback(refund_trace())
    ask(playback, "get_order", order_id="ord_1")
    ask(playback, "refund", order_id="ord_1", amount=10)
    assert ask(playback, "get_order", order_id="ord_1") == "stop"


@pytest.mark.parametrize("effect", ["write", "unknown"])
def test_call_that_may_write_is_not_answered_twice(effect: str) -> None:
    playback = Playback(with_effects(effect))
    ask(playback, "refund", order_id="ord_1", amount=10)
    assert ask(playback, "refund", order_id="ord_1", amount=10) == "stop"


@pytest.mark.parametrize(
    "name", ["get_order", "listOrders", "lookup", "read_file", "search", "get_address", "get_settings"]
)
def test_name_of_a_look_up_is_a_read(name: str) -> None:
    assert named(name)


@pytest.mark.parametrize(
    "name",
    [
        "get_or_create_user",
        "find_and_replace",
        "check_out",
        "query",
        "refund",
        "getaway",
        "list_and_delete",
        "getOrCreate",
    ],
)
def test_name_that_may_write_is_no_read(name: str) -> None:
    assert not named(name)


def named(name: str) -> bool:
    span = Span(span_id="s1", view=ToolCall(name=name))
    (call,) = recorded_calls(Trace(trace_id="t", source=Source(format="test"), spans=(span,)))
    return only_reads(call)
