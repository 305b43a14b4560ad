"""The trace of a replay."""

from __future__ import annotations

import pytest
from tests.replayers.apps import GUARDED, beginning_with, replayed
from tests.replayers.recordings import refund_trace, text

from unrepeat.cases.trace import (
    Approval,
    Document,
    ModelCall,
    Retrieval,
    Source,
    Span,
    ToolCall,
    Trace,
    UserTurn,
    Write,
)
from unrepeat.replayers.playback import Modes, Playback
from unrepeat.replayers.transcript import Transcript, shown_evidence


def built(playback: Playback) -> Trace:
    return Transcript(playback).build("out", True)


def of(view) -> Trace:
    return Trace(
        trace_id="t",
        source=Source(format="test"),
        spans=(Span(span_id="a", view=view),),
        messages=(text("user", "hi"),),
    )


def test_same_run_has_the_same_calls_and_output(tmp_path):
    trace = replayed(tmp_path).trace
    assert [view.name for _, view in trace.views(ToolCall)] == ["get_order", "refund"]
    assert trace.output == "Done, refunded."


def test_write_hangs_below_the_call_that_stands_for_it(tmp_path):
    [(span, write)] = list(replayed(tmp_path).trace.views(Write))
    assert (span.parent_id, write.resource) == ("r4", "refunds/ord_1")


def test_call_that_was_not_made_wrote_nothing(tmp_path):
    assert list(replayed(tmp_path, app=GUARDED).trace.views(Write)) == []


def test_run_that_did_not_return_has_no_output(tmp_path):
    trace = replayed(tmp_path, app=beginning_with("raise ValueError")).trace
    assert trace.origins["output"].kind == "absent"


def test_effect_of_a_tool_is_the_recorded_one(tmp_path):
    effects = {view.name: view.effect for _, view in replayed(tmp_path).trace.views(ToolCall)}
    assert effects == {"get_order": "read", "refund": "write"}


def test_model_call_shows_what_this_version_asked(tmp_path):
    trace = replayed(tmp_path, app=GUARDED).trace
    last = [view for _, view in trace.views(ModelCall)][-1]
    assert trace.inputs(last)[-1].parts[0]["response"] == "refused"


def test_messages_are_stored_once(tmp_path):
    assert replayed(tmp_path).trace.messages == refund_trace().messages


def test_approval_shows_the_evidence_of_this_version():
    playback = Playback(of(Approval(request={"amount": 1}, decision="approve", shown_evidence=("old",))))
    playback.ask("approval", "decide", {"amount": 1, "shown_evidence": ["delivery"]})
    [(_, view)] = list(built(playback).views(Approval))
    assert (view.shown_evidence, view.decision) == (("delivery",), "approve")


@pytest.mark.parametrize(
    ("answer", "decision"),
    [({"decision": "Approved"}, "approve"), ({"approved": False}, "reject"), ("deny", "reject"), (None, ""), ({}, "")],
)
def test_decision_is_read_from_what_the_reviewer_answered(answer, decision):
    playback = Playback(of(Approval(request={})), Modes(static={"approval": answer}))
    playback.ask("approval", "decide", {})
    assert next(iter(built(playback).views(Approval)))[1].decision == decision


def test_live_retrieval_shows_the_documents_it_found():
    playback = Playback(of(Retrieval(query="q", documents=(Document(id="old"),))), Modes(live=frozenset({"retrieval"})))
    seq, _ = playback.ask("retrieval", "search", {"query": "q"})
    playback.answered(seq, [{"id": "new", "status": "current"}])
    [(_, view)] = list(built(playback).views(Retrieval))
    assert [(each.id, each.status) for each in view.documents] == [("new", "current")]


def test_user_turn_is_the_recorded_one():
    playback = Playback(of(UserTurn(messages=(0,))))
    playback.ask("user", "ask_user", {"question": "?"})
    [(_, view)] = list(built(playback).views(UserTurn))
    assert view.messages == (0,)


@pytest.mark.parametrize(
    ("request_", "names"),
    [
        ({"shown_evidence": ["a", {"name": "b"}]}, ("a", "b")),
        ({"evidence": {"a": 1, "b": None, "c": ""}}, ("a",)),
        ({"screen": {"evidence": {"a": 0}}}, ("a",)),
        ({"amount": 1}, ()),
        ("text", ()),
        ({"evidence": "everything"}, ()),
    ],
)
def test_evidence_on_the_screen_is_named_by_the_request(request_, names):
    assert shown_evidence(request_) == names
