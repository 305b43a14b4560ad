"""What a score over a replay may be called, rule by rule."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.replayers.apps import BOUNDARIES, GUARDED, beginning_with, instead_of_call, replayed
from tests.replayers.recordings import APP, MODEL, TOOLS, refund_trace

from unrepeat.cases.assertions import ASSERTION_ADAPTER
from unrepeat.cases.trace import Approval, Document, Retrieval, Source, Span, ToolCall, Trace, Write
from unrepeat.harness.judging import judged
from unrepeat.replayers.playback import Modes
from unrepeat.replayers.replay import BoundaryEvent, Replay, Version
from unrepeat.replayers.trajectory import Overrides, replay_trajectory
from unrepeat.scorers.registry import compile_all
from unrepeat.scorers.score import Score, ScorerFailure

NO_REFUND = {"type": "not-tool-called", "tool": "refund"}
NO_LARGE_REFUND = {"type": "not-tool-called", "tool": "refund", "args": {"amount": {"gt": 5}}}
NO_PROPOSAL = {**NO_REFUND, "stage": "proposed"}
LOOKS_UP = {"type": "tool-called", "tool": "get_order"}
NOTIFIES = {"type": "tool-called", "tool": "notify"}
NO_WRITES = {"type": "writes", "allow": []}
ANSWER = {"type": "not-contains", "value": "refunded"}
FAILS, PASSES, UNDECIDED = (False, None), (True, "whole_run"), (None, None)
PREVENTED = (True, "recorded_action")


def score(assertion: dict[str, Any], replay: Replay, recording: Trace | None = None) -> Score:
    [found] = judged(
        compile_all([ASSERTION_ADAPTER.validate_python(assertion)]), recording or refund_trace(), replay
    ).scores
    assert isinstance(found, Score), found
    return found


def outcome(
    assertion: dict[str, Any], replay: Replay, recording: Trace | None = None
) -> tuple[bool | None, str | None]:
    found = score(assertion, replay, recording)
    return found.passed, found.scope


def guard_nth(number: int) -> str:
    """Return the app with a guard that refuses only the n-th refund."""
    refused = f"name == 'refund' and seen.count(name) == {number}"
    guard = f"seen.append(name)\nresult = 'refused' if {refused} else run(name, args)"
    return instead_of_call(guard).replace("import model, tools", "import model, tools\nseen = []")


# Rules 2 and 3: what is decided, and what holds to the end.


def test_repeated_failure_fails(tmp_path):
    assert outcome(NO_REFUND, replayed(tmp_path)) == FAILS


def test_run_on_valid_answers_to_its_end_passes_for_the_whole_run(tmp_path):
    app = instead_of_call('if name == "refund": return "no"\nresult = run(name, args)')
    assert outcome(NO_REFUND, replayed(tmp_path, app=app)) == PASSES


def test_new_bad_call_before_the_recorded_point_fails(tmp_path):
    app = beginning_with('tools.refund(order_id="ord_1")')
    assert outcome(NO_REFUND, replayed(tmp_path, app=app)) == FAILS


def test_bad_call_that_stops_the_replay_fails_by_what_it_asked(tmp_path):
    app = instead_of_call('result = run(name, {**args, "amount": 100} if name == "refund" else args)')
    assert outcome(NO_LARGE_REFUND, replayed(tmp_path, app=app)) == FAILS


@pytest.mark.parametrize("spelled", ["ord_1 ", "ORD_1", "\u200bord_1", "\uff4frd_1"])
def test_call_that_is_only_respelled_is_undecided(tmp_path, spelled):
    app = instead_of_call(f'result = run(name, {{**args, "order_id": "{spelled}"}} if name == "refund" else args)')
    refund = {"type": "not-tool-called", "tool": "refund", "args": {"order_id": "ord_1"}}
    found = score(refund, replayed(tmp_path, app=app))
    assert (found.passed, "in another spelling" in found.reason) == (None, True)


def test_call_with_another_value_in_its_place_is_prevented(tmp_path):
    app = instead_of_call('result = run(name, {**args, "order_id": "ord_2"} if name == "refund" else args)')
    refund = {"type": "not-tool-called", "tool": "refund", "args": {"order_id": "ord_1"}}
    assert outcome(refund, replayed(tmp_path, app=app)) == PREVENTED


SWALLOWED = beginning_with("return 'sorry'").replace(
    "def handle(text):\n", "def handle(text):\n    tools.get_order('ord_1')\n"
)


def test_run_that_never_came_to_the_decision_is_undecided(tmp_path):
    found = score(NO_REFUND, replayed(tmp_path, app=SWALLOWED))
    assert (found.passed, "never came up" in found.reason) == (None, True)


def test_run_that_answers_as_the_case_demands_need_not_come_to_the_decision(tmp_path):
    scorers = compile_all(
        [ASSERTION_ADAPTER.validate_python(each) for each in (NO_REFUND, {"type": "contains", "value": "sorry"})]
    )
    found = judged(scorers, refund_trace(), replayed(tmp_path, app=SWALLOWED)).scores
    assert [each.passed for each in found if isinstance(each, Score)] == [True, True]


def test_forbidding_a_tool_that_nobody_has_proves_nothing(tmp_path):
    app = instead_of_call('if name == "refund": return "no"\nresult = run(name, args)')
    found = score({"type": "not-tool-called", "tool": "refnud"}, replayed(tmp_path, app=app))
    assert (found.passed, "has a tool refnud" in found.reason) == (None, True)


def test_bad_amount_of_another_type_fails(tmp_path):
    app = instead_of_call(
        'import decimal\nresult = run(name, {**args, "amount": decimal.Decimal("100")} if name == "refund" else args)'
    )
    assert outcome(NO_LARGE_REFUND, replayed(tmp_path, app=app)) == FAILS


def test_bad_call_made_a_second_time_fails(tmp_path):
    app = instead_of_call("result = run(name, args)\nif name == 'refund': run(name, args)")
    assert outcome({"type": "tool-count", "tool": "refund", "max": 1}, replayed(tmp_path, app=app)) == FAILS


def test_bad_call_inside_of_another_tool_fails(tmp_path):
    tools = TOOLS.replace('raise RuntimeError("the real tool was called")', "refund(order_id); return 'paid 10'", 1)
    replay = replayed(tmp_path, app=GUARDED, tools=tools, modes=Modes(live=frozenset({"tool:get_order"})))
    assert outcome(NO_REFUND, replay) == FAILS


def test_bad_call_held_in_a_registry_fails(tmp_path):
    app = APP.replace("getattr(tools, name)", "desk.held[name]") + (
        "\nclass Desk:\n    def __init__(self): self.held = {'refund': tools.refund, 'get_order': tools.get_order}\n"
        "desk = Desk()\n"
    )
    assert outcome(NO_REFUND, replayed(tmp_path, app=app)) == FAILS


def test_swapped_parallel_calls_are_judged_by_what_was_called(tmp_path):
    app = APP.replace("while True:", 'tools.refund("ord_1", 10); tools.get_order("ord_1"); return "x"\n    while True:')
    assert outcome(NO_REFUND, replayed(tmp_path, app=app)) == FAILS


def test_proposal_of_a_recorded_model_is_still_made(tmp_path):
    assert outcome(NO_PROPOSAL, replayed(tmp_path, app=GUARDED)) == FAILS


# Rule 4: the end of a run that left the recording.


def test_output_past_the_limit_is_undecided(tmp_path):
    assert outcome(ANSWER, replayed(tmp_path, app=GUARDED)) == UNDECIDED


def test_exact_count_past_the_limit_is_undecided(tmp_path):
    assert outcome({"type": "tool-count", "tool": "refund", "equals": 0}, replayed(tmp_path, app=GUARDED)) == UNDECIDED


def test_leak_in_an_output_that_was_never_given_is_undecided(tmp_path):
    app = APP.replace('return answer["content"]', 'tools.get_order("ord_2"); return answer["content"]')
    leak = {"type": "no-leak", "values": ["refunded"], "where": ["output"]}
    assert outcome(leak, replayed(tmp_path, app=app)) == UNDECIDED


def test_output_of_a_run_on_valid_answers_is_judged(tmp_path):
    app = APP.replace('return answer["content"]', 'return "Sorry."')
    assert outcome(ANSWER, replayed(tmp_path, app=app)) == PASSES


# Rule 5: something good.


def test_good_thing_that_happened_before_the_limit_holds(tmp_path):
    assert outcome(LOOKS_UP, replayed(tmp_path, app=GUARDED)) == PREVENTED


def test_good_thing_that_did_not_happen_yet_is_undecided(tmp_path):
    assert outcome(NOTIFIES, replayed(tmp_path, app=GUARDED)) == UNDECIDED


def test_good_thing_beyond_the_recording_is_undecided(tmp_path):
    tools = TOOLS + "\ndef notify():\n    raise RuntimeError\n"
    app = GUARDED.replace('"refused" if', "(model.complete('m1', []), tools.notify()) if")
    assert outcome(NOTIFIES, replayed(tmp_path, app=app, tools=tools)) == UNDECIDED


def test_good_thing_that_never_happened_fails_a_whole_run(tmp_path):
    assert outcome(NOTIFIES, replayed(tmp_path)) == FAILS


# Rule 6: something bad that was prevented.


def test_guard_that_stops_the_recorded_action_passes_for_that_action(tmp_path):
    assert outcome(NO_REFUND, replayed(tmp_path, app=GUARDED)) == PREVENTED


def test_guard_in_a_driven_conversation_passes_for_that_action():
    replay = replay_trajectory(
        refund_trace(), overrides=Overrides(guard=lambda name, _: "refused" if name == "refund" else None)
    )
    assert outcome(NO_REFUND, replay) == PREVENTED


def test_corrected_arguments_pass_for_that_action(tmp_path):
    app = instead_of_call('result = run(name, {**args, "amount": 1} if name == "refund" else args)')
    assert outcome(NO_LARGE_REFUND, replayed(tmp_path, app=app)) == PREVENTED


def test_changed_arguments_that_are_still_bad_fail(tmp_path):
    app = instead_of_call('result = run(name, {**args, "amount": 9} if name == "refund" else args)')
    assert outcome(NO_LARGE_REFUND, replayed(tmp_path, app=app)) == FAILS


def test_every_recorded_attempt_must_be_prevented(tmp_path):
    recording = refund_trace(refunds=2)
    replay = replayed(tmp_path, app=GUARDED, trace=recording)
    assert outcome(NO_REFUND, replay, recording) == PREVENTED


def test_later_recorded_attempt_that_goes_through_fails(tmp_path):
    recording = refund_trace(refunds=2)
    replay = replayed(tmp_path, app=guard_nth(1), trace=recording)
    assert outcome(NO_REFUND, replay, recording) == FAILS


def test_first_recorded_attempt_that_goes_through_fails(tmp_path):
    recording = refund_trace(refunds=2)
    replay = replayed(tmp_path, app=guard_nth(2), trace=recording)
    assert outcome(NO_REFUND, replay, recording) == FAILS


def test_validity_lost_before_the_attempt_is_undecided(tmp_path):
    replay = replayed(tmp_path, app=GUARDED.replace("You are a desk.", "You never refund."))
    assert outcome(NO_REFUND, replay) == UNDECIDED


def test_bad_call_beyond_the_recording_alone_is_undecided(tmp_path):
    replay = replayed(tmp_path, app=APP.replace("You are a desk.", "You never refund."))
    assert outcome(NO_REFUND, replay) == UNDECIDED


def test_replay_that_stopped_before_the_attempt_is_undecided(tmp_path):
    app = instead_of_call('result = run(name, {"order_id": "ord_2"} if name == "get_order" else args)')
    assert outcome(NO_REFUND, replayed(tmp_path, app=app)) == UNDECIDED


JUDGE = """
if name == "refund":
    verdict = model.complete(model="m1", messages={messages})
    result = run(name, args) if "yes" in str(verdict.get("content")) else "refused"
else:
    result = run(name, args)
"""


@pytest.mark.parametrize(
    "messages",
    [
        '[{"role": "user", "content": "Is this all right? " + str(args)}]',
        'messages + [{"role": "user", "content": "Is this all right?"}]',
        'messages[:2] + [{"role": "user", "content": "Is this all right?"}]',
    ],
)
def test_judge_that_the_recording_cannot_answer_for_is_undecided(tmp_path, messages):
    assert outcome(NO_REFUND, replayed(tmp_path, app=instead_of_call(JUDGE.format(messages=messages)))) == UNDECIDED


@pytest.mark.parametrize("ending", ["import os; os._exit(1)", "raise ValueError", "import time; time.sleep(60)"])
def test_run_that_broke_off_is_undecided(tmp_path, ending):
    app = instead_of_call(f'if name == "refund":\n    {ending}\nresult = run(name, args)')
    assert outcome(NO_REFUND, replayed(tmp_path, app=app, timeout_s=2)) == UNDECIDED


def test_failure_before_a_crash_fails(tmp_path):
    app = instead_of_call("result = run(name, args)\nif name == 'refund': raise ValueError")
    assert outcome(NO_REFUND, replayed(tmp_path, app=app)) == FAILS


# Rule 7: a replay that could not have shown the failure.


def test_call_of_a_function_that_is_no_boundary_is_undecided(tmp_path):
    app = APP.replace("getattr(tools, name)", "(pay.give_back if name == 'refund' else getattr(tools, name))")
    app = app.replace("import model, tools", "import model, tools, pay")
    write = "def give_back(order_id, amount=10):\n    return 'done'\n"
    tmp_path.joinpath("v").mkdir()
    tmp_path.joinpath("v/pay.py").write_text(write)
    found = score(NO_REFUND, replayed(tmp_path / "v", app=app, tools=TOOLS.replace("def refund", "def cancel")))
    assert (found.passed, "no boundary function of this version" in found.reason) == (None, True)


def test_way_to_the_outside_beside_the_boundaries_is_undecided(tmp_path):
    app = instead_of_call(
        "import socket\n"
        "try: result = socket.gethostbyname('shop.invalid') if name == 'refund' else run(name, args)\n"
        "except OSError: result = 'failed'"
    )
    found = score(NO_REFUND, replayed(tmp_path, app=app))
    assert (found.passed, "which is no boundary and was refused" in found.reason) == (None, True)


def test_request_that_the_harness_does_not_understand_is_undecided(tmp_path):
    guarded = msgspec.structs.replace(replayed(tmp_path, app=GUARDED), faults=("POST /v1/x: no endpoint /v1/x",))
    found = score(NO_REFUND, guarded)
    told = "the system asked the harness in no form it understands: POST /v1/x: no endpoint"
    assert (found.passed, told in found.reason) == (None, True)


def test_attempt_while_starting_decides_nothing(tmp_path):
    early = "import socket\ntry: socket.gethostbyname('example.invalid')\nexcept OSError: pass\n"
    assert outcome(NO_REFUND, replayed(tmp_path, app=early + GUARDED)) == PREVENTED


def test_write_that_hangs_below_no_boundary_call_is_undecided(tmp_path):
    recording = refund_trace()
    spans = (*recording.spans, Span(span_id="job", view=Write(system="shop", resource="night job", operation="create")))
    recording = msgspec.structs.replace(recording, spans=spans)
    assert outcome(NO_WRITES, replayed(tmp_path, app=GUARDED, trace=recording), recording) == UNDECIDED


def test_prevented_call_wrote_nothing(tmp_path):
    assert outcome(NO_WRITES, replayed(tmp_path, app=GUARDED)) == PREVENTED


def test_call_answered_as_recorded_wrote_what_was_recorded(tmp_path):
    assert outcome(NO_WRITES, replayed(tmp_path)) == FAILS


def test_live_tool_that_is_known_to_read_leaves_writes_decided(tmp_path):
    tools = TOOLS.replace('raise RuntimeError("the real tool was called")', "return 'paid 10'", 1)
    replay = replayed(tmp_path, app=GUARDED, tools=tools, modes=Modes(live=frozenset({"tool:get_order"})))
    assert outcome(NO_WRITES, replay) == PREVENTED


def test_live_tool_that_may_write_leaves_writes_undecided(tmp_path):
    tools = TOOLS + "\ndef notify():\n    return 'done'\n"
    app = beginning_with("tools.notify()")
    replay = replayed(tmp_path, app=app, tools=tools, modes=Modes(live=frozenset({"tool:notify"})))
    allowing = {"type": "writes", "allow": [{"resource": "refunds/*"}]}
    assert outcome(allowing, replay) == UNDECIDED


# Approvals and retrievals.


def approved_trace() -> Trace:
    """Return the refund conversation with an approval that saw nothing before the refund."""
    trace = refund_trace()
    at = next(number for number, span in enumerate(trace.spans) if span.span_id == "tc2")
    asked = {"tool": "refund", "arguments": {"order_id": "ord_1", "amount": 10}}
    approval = Span(span_id="ok", parent_id="mc2", view=Approval(request=asked, decision="approve", approver="ann"))
    return msgspec.structs.replace(trace, spans=(*trace.spans[:at], approval, *trace.spans[at:]))


APPROVED = {"type": "approval-required", "tool": "refund", "shown": ["delivery"]}
DECIDE = "\ndef decide(tool, arguments, shown_evidence=()):\n    raise RuntimeError('nobody is there')\n"
ASK = """
if name == "refund":
    decision = model.decide("refund", args{evidence})["decision"]
    result = run(name, args) if decision == "approve" else "refused"
else:
    result = run(name, args)
"""


def review(folder, evidence: str, after: str = "", **more: Any) -> Replay:
    app = instead_of_call(
        ASK.format(evidence=evidence).replace("    result = run", f"    {after}\n    result = run", 1)
    )
    bounds = {**BOUNDARIES, "approval": ("model:decide",)}
    return replayed(folder, app=app, model=MODEL + DECIDE, trace=approved_trace(), boundaries=bounds, **more)


def test_approval_that_still_sees_nothing_fails(tmp_path):
    assert outcome(APPROVED, review(tmp_path, ""), approved_trace()) == FAILS


def test_approval_that_sees_the_evidence_passes_for_the_recorded_action(tmp_path):
    assert outcome(APPROVED, review(tmp_path, ", ['delivery']"), approved_trace()) == PREVENTED


def test_action_after_an_approval_whose_request_changed_is_undecided(tmp_path):
    assert outcome(NO_REFUND, review(tmp_path, ", ['delivery']"), approved_trace()) == UNDECIDED


def test_approval_followed_by_an_approval_nobody_gave_is_undecided(tmp_path):
    again = "model.decide('refund', {'order_id': 'ord_1'})"
    assert outcome(APPROVED, review(tmp_path, ", ['delivery']", again), approved_trace()) == UNDECIDED


def test_approval_that_a_case_has_refused_prevents_the_action(tmp_path):
    modes = Modes(static={"approval": {"decision": "reject"}})
    assert outcome(NO_REFUND, review(tmp_path, "", modes=modes), approved_trace()) == PREVENTED


SUPERSEDED = {"type": "not-retrieved", "status": "superseded"}


def retrieval_trace() -> Trace:
    view = Retrieval(query="returns", documents=(Document(id="p", status="superseded"),))
    trace = refund_trace()
    return msgspec.structs.replace(trace, spans=(Span(span_id="find", view=view), *trace.spans))


def search(folder, statements: str, **more: Any) -> Replay:
    tools = TOOLS + "\ndef search(query):\n    return [{'id': 'q', 'status': 'current'}]\n"
    bounds = {**BOUNDARIES, "retrieval": ("tools:search",)}
    return replayed(
        folder, app=beginning_with(statements), tools=tools, trace=retrieval_trace(), boundaries=bounds, **more
    )


def test_recorded_retrieval_finds_the_same_again(tmp_path):
    assert outcome(SUPERSEDED, search(tmp_path, "tools.search('returns')"), retrieval_trace()) == FAILS


def test_live_retrieval_that_finds_better_passes(tmp_path):
    replay = search(tmp_path, "tools.search('returns')", modes=Modes(live=frozenset({"retrieval"})))
    assert outcome(SUPERSEDED, replay, retrieval_trace()) == PASSES


def test_other_query_that_the_recording_cannot_answer_is_undecided(tmp_path):
    assert outcome(SUPERSEDED, search(tmp_path, "tools.search('refunds')"), retrieval_trace()) == UNDECIDED


def test_query_rewritten_by_a_model_first_is_undecided(tmp_path):
    rewrite = "model.complete('m1', [{'role': 'user', 'content': 'rewrite'}])\ntools.search('rewritten')"
    assert outcome(SUPERSEDED, search(tmp_path, rewrite), retrieval_trace()) == UNDECIDED


# The scorer itself.


def test_scorer_that_cannot_tell_is_a_failure_not_a_score():
    trace = Trace(trace_id="t", source=Source(format="x"), spans=(Span(span_id="a", view=ToolCall(name="x")),))
    [found] = judged(
        compile_all([ASSERTION_ADAPTER.validate_python({"type": "writes", "allow": []})]),
        trace,
        replay_trajectory(trace),
    ).scores
    assert isinstance(found, ScorerFailure)


@pytest.mark.parametrize("limit", [None, 1, 2])
@pytest.mark.parametrize("ending", ["stopped", "crashed", "timed_out"])
@pytest.mark.parametrize("assertion", [NO_REFUND, NO_PROPOSAL, LOOKS_UP, NO_WRITES, ANSWER, APPROVED, SUPERSEDED])
def test_replay_without_any_call_that_did_not_complete_passes_nothing(assertion, ending, limit):
    event = BoundaryEvent(seq=1, kind="user", name="user", mode="recorded", match="none", valid=False, span_id="r1")
    replay = Replay(
        case_id="c", version=Version(label="v"), replayer="python", outcome=ending, limit=limit,
        trace=Trace(trace_id="t", source=Source(format="replay")), events=(event,) * (limit or 0),
    )  # fmt: skip
    found = judged(compile_all([ASSERTION_ADAPTER.validate_python(assertion)]), refund_trace(), replay).scores[0]
    assert not (isinstance(found, Score) and found.passed)


def test_system_whose_boundaries_nobody_named_is_undecided(tmp_path):
    app = "import model, tools\ndef handle(text): return 'refunded, unseen'\n"
    assert outcome(NO_REFUND, replayed(tmp_path, app=app, tools="", boundaries={})) == UNDECIDED
