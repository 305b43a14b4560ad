"""A program that runs a tool by itself, where nobody sees it, is not taken for one that does not run it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.replayers.programs import DESK, GUARDED, replayed_command
from tests.replayers.recordings import refund_trace

from unrepeat.cases.trace import ToolCall
from unrepeat.replayers.trajectory import replay_trajectory
from unrepeat.scorers.own_answers import own_answers

BY_ITSELF = '    return {{"get_order": "paid 10", "refund": {refund!r}}}[name]'


def desk(refund: str, only: str = "") -> str:
    """Return a desk that answers its tools by itself."""
    line = BY_ITSELF.format(refund=refund)
    rest = f'    if name != "{only}": return tool(name, arguments)\n' if only else ""
    return DESK.replace("    return tool(name, arguments)", rest + line)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (DESK, []),
        (desk("refunded 0"), [("get_order", True), ("refund", True)]),
        (desk("refunded 0", only="refund"), [("refund", True)]),
        (desk("ref_9", only="refund"), [("refund", False)]),
        (GUARDED, [("refund", False)]),
    ],
)
def test_answers_that_nobody_was_asked_for_are_found(tmp_path, program, expected):
    replay = replayed_command(tmp_path, program)
    assert own_answers(refund_trace(), replay) == expected


def test_answer_that_was_served_before_is_given_again_by_a_guard(tmp_path):
    once = DESK.replace(
        "    return tool(name, arguments)",
        "    key = name + str(arguments)\n"
        "    if key not in KNOWN: KNOWN[key] = tool(name, arguments)\n"
        "    return KNOWN[key]\n\nKNOWN = {}",
    )
    trace = refund_trace(refunds=2)
    same = [
        replace(span, view=replace(span.view, result="refunded"))
        if isinstance(span.view, ToolCall) and span.view.name == "refund"
        else span
        for span in trace.spans
    ]
    said = [
        replace(message, parts=({**message.parts[0], "response": "refunded"},))
        if str(message.parts[0].get("response", "")).startswith("refunded")
        else message
        for message in trace.messages
    ]
    trace = replace(trace, spans=tuple(same), messages=tuple(said))
    replay = replayed_command(tmp_path, once, trace=trace)
    assert replay.outcome == "completed", replay.error
    assert own_answers(trace, replay) == [("refund", False)]


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (DESK, []),
        (desk("refunded 0"), [("get_order", True), ("refund", True)]),
        (desk("refunded 0", only="refund"), [("refund", True)]),
        (GUARDED, []),
    ],
)
def test_recording_without_ids_tells_by_what_was_answered(tmp_path, program, expected):
    trace = refund_trace()
    spans = tuple(
        replace(span, view=replace(span.view, id="")) if isinstance(span.view, ToolCall) else span
        for span in trace.spans
    )
    trace = replace(trace, spans=spans)
    assert own_answers(trace, replayed_command(tmp_path, program, trace=trace)) == expected


def test_nothing_ran_in_a_replay_of_the_conversation_alone():
    trace = refund_trace()
    assert own_answers(trace, replay_trajectory(trace)) == []
