"""A version of a Python app, run against the recording in a child process."""

from __future__ import annotations

import msgspec
import pytest
from tests.replayers.apps import BOUNDARIES, GUARDED, beginning_with, calls, headline, instead_of_call, replayed
from tests.replayers.recordings import APP, MODEL, TOOLS, refund_trace, write_app

from unrepeat.cases.errors import ReplayError
from unrepeat.replayers.playback import Modes
from unrepeat.replayers.python_app import check_app, replay_python
from unrepeat.replayers.replay import Version
from unrepeat.replayers.system import Checkout, PythonSystem


def test_unchanged_app_reproduces_the_recording(tmp_path):
    replay = replayed(tmp_path)
    assert (replay.outcome, replay.limit, replay.divergences) == ("completed", None, ())
    assert {event.match for event in replay.events} == {"exact"}


def test_two_runs_of_one_version_are_the_same_replay(tmp_path):
    assert replayed(tmp_path).digest == replayed(tmp_path).digest


def test_app_that_differs_from_run_to_run_has_another_digest_each_time(tmp_path):
    app = beginning_with("import time; text = str(time.time_ns())")
    assert replayed(tmp_path, app=app).digest != replayed(tmp_path, app=app).digest


def test_limit_is_the_first_request_the_recording_cannot_answer(tmp_path):
    replay = replayed(tmp_path, app=GUARDED)
    assert (replay.limit, replay.events[3].kind, replay.outcome) == (4, "model", "completed")


def test_changed_argument_stops_there(tmp_path):
    app = instead_of_call('result = run(name, {**args, "amount": 1} if name == "refund" else args)')
    replay = replayed(tmp_path, app=app)
    assert (replay.outcome, replay.limit, headline(replay).grade) == ("stopped", 4, "changed_request")
    assert [(each.path, each.replayed) for each in headline(replay).differences] == [("/amount", 1)]


def test_default_that_the_app_leaves_out_is_no_difference(tmp_path):
    app = instead_of_call("args.pop('amount', None)\nresult = run(name, args)")
    assert replayed(tmp_path, app=app).limit is None


def test_new_optional_argument_at_its_default_is_no_difference(tmp_path):
    assert replayed(tmp_path, tools=TOOLS.replace("amount=10", "amount=10, note=None")).limit is None


@pytest.mark.parametrize("arguments", [{"text": "hi"}, ["hi"], "hi"])
def test_entry_is_called_with_an_object_a_list_or_one_value(tmp_path, arguments):
    trace = msgspec.structs.replace(refund_trace(), input=arguments)
    replay = replayed(tmp_path, app="import model, tools\ndef handle(text): return text\n", trace=trace)
    assert replay.trace.output == "hi"


def test_input_larger_than_a_pipe_arrives(tmp_path):
    trace = msgspec.structs.replace(refund_trace(), input={"text": "x" * 1_000_000})
    replay = replayed(tmp_path, app="import model, tools\ndef handle(text): return len(text)\n", trace=trace)
    assert replay.trace.output == 1_000_000


def test_swapped_parallel_calls_keep_their_own_answers(tmp_path):
    app = APP.replace("while True:", 'return [tools.refund("ord_1", 10), tools.get_order("ord_1")]\n    while True:')
    replay = replayed(tmp_path, app=app)
    assert (replay.trace.output, replay.limit) == (["refunded 0", "paid 10"], None)


def test_recorded_error_reaches_the_apps_own_handler(tmp_path):
    trace = refund_trace()
    spans = tuple(
        msgspec.structs.replace(span, view=msgspec.structs.replace(span.view, result=None, error="LookupError: gone"))
        if span.span_id == "tc1" and span.view is not None
        else span
        for span in trace.spans
    )
    app = instead_of_call("try: result = run(name, args)\nexcept LookupError as error: return str(error)")
    replay = replayed(tmp_path, app=app, trace=msgspec.structs.replace(trace, spans=spans))
    assert replay.trace.output == "gone"


def test_live_tool_runs_for_real(tmp_path):
    tools = TOOLS.replace('raise RuntimeError("the real tool was called")', "return 'paid 10'", 1)
    replay = replayed(tmp_path, tools=tools, modes=Modes(live=frozenset({"tool:get_order"})))
    assert (replay.events[1].mode, replay.events[1].outcome, replay.limit) == ("live", "same", None)


def test_error_of_a_live_tool_reaches_the_app(tmp_path):
    app = instead_of_call("try: result = run(name, args)\nexcept RuntimeError as error: return str(error)")
    replay = replayed(tmp_path, app=app, modes=Modes(live=frozenset({"tool:get_order"})))
    assert (replay.trace.output, replay.events[1].error) == (
        "the real tool was called",
        "RuntimeError: the real tool was called",
    )


def test_boundary_functions_of_the_version_are_listed(tmp_path):
    assert replayed(tmp_path).functions == ("model:complete", "tool:get_order", "tool:refund")


def test_function_that_runs_tools_by_name_stands_for_any(tmp_path):
    tools = "def execute(name, arguments):\n    raise RuntimeError\n"
    app = APP.replace("getattr(tools, name)(**args)", "tools.execute(name, args)")
    bounds = {**BOUNDARIES, "tool": ("tools:execute(name, arguments)",)}
    replay = replayed(tmp_path, app=app, tools=tools, boundaries=bounds)
    assert calls(replay) == [("get_order", "exact"), ("refund", "exact")]
    assert "tool:*" in replay.functions


@pytest.mark.parametrize(
    ("app", "message"),
    [
        ("import nothing_of_that_name\n", "No module named 'nothing_of_that_name'"),
        ("def handle(:\n", "SyntaxError"),
        ("import model, tools\n", "has no attribute 'handle'"),
        ("raise SystemExit(3)\n", "SystemExit: 3"),
    ],
)
def test_version_that_does_not_start_says_why(tmp_path, app, message):
    with pytest.raises(ReplayError, match=message):
        replayed(tmp_path, app=app)


def test_entry_that_does_not_take_the_input_is_named(tmp_path):
    with pytest.raises(ReplayError) as caught:
        replayed(tmp_path, app="import model, tools\ndef handle(text, employee: str, limit=3): pass\n")
    assert str(caught.value) == (
        "system desk (app:handle): expected an input that handle(text, employee, limit=3) can be called with, got an "
        "object of text (missing a required argument: 'employee'). State its arguments by name in case.yaml: "
        '`replay: {input: {text: "Refund order ord_1 please", employee: …}}`'
    )


def test_interpreter_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ReplayError, match="no-such-python"):
        replayed(tmp_path, interpreter="no-such-python")


def test_interpreter_that_is_no_python_is_a_crash(tmp_path):
    assert replayed(tmp_path, interpreter="/bin/true").outcome == "crashed"


def test_check_lists_functions_without_calling_the_entry(tmp_path):
    write_app(tmp_path, app=APP.replace("def handle(text):", "def handle(text):\n    raise RuntimeError"), model=MODEL)
    system = PythonSystem(name="desk", entry="app:handle", boundaries={"tool": ("tools:*",)})
    found = check_app(system, Checkout(version=Version(label="v"), folder=tmp_path))
    assert found == {"tool": {"get_order": ["order_id"], "refund": ["order_id", "amount"]}}


def test_entry_may_be_an_attribute_of_an_object(tmp_path):
    write_app(tmp_path, app=APP + "\nclass Desk:\n    reply = staticmethod(handle)\n")
    system = PythonSystem(name="desk", entry="app:Desk.reply", boundaries=BOUNDARIES)
    trace = refund_trace()
    checkout = Checkout(version=Version(label="v"), folder=tmp_path)
    assert replay_python(trace, system, checkout, arguments=trace.input).outcome == "completed"
