"""Programs in any language are replayed: their boundaries are answered over connections, nothing else gets out."""

from __future__ import annotations

import sys
import time
from datetime import datetime

import pytest
from tests.replayers.programs import DESK, GUARDED, desk_doing, replayed_command

from unrepeat.cases.errors import ReplayError, UnableToReplayError
from unrepeat.replayers.clock import ClockMode
from unrepeat.replayers.playback import Modes

SHELL = ("sh", "-c")


def said(folder, script, **more):
    """Return the replay of a shell script that asks nobody."""
    return replayed_command(folder, command=(*SHELL, script), **more)


def matches(replay):
    return [(event.kind, event.name, event.match) for event in replay.events]


def test_unchanged_program_gets_its_recorded_answers(tmp_path):
    replay = replayed_command(tmp_path)
    assert (replay.outcome, replay.trace.output) == ("completed", "Done, refunded."), replay.error
    tools = [(name, match) for kind, name, match in matches(replay) if kind == "tool"]
    assert tools == [("get_order", "exact"), ("refund", "exact")]
    assert not replay.divergences
    assert replay.limit is None
    assert replay.isolation in ("netns", "landlock")


def test_guard_of_the_program_shows_as_a_call_that_was_not_made(tmp_path):
    replay = replayed_command(tmp_path, GUARDED)
    assert [event.name for event in replay.events if event.kind == "tool"] == ["get_order"]
    assert [each.grade for each in replay.divergences] == ["changed_request", "missing_call"]
    assert replay.limit == 4


def test_changed_prompt_is_a_changed_request(tmp_path):
    replay = replayed_command(tmp_path, DESK.replace("You are a desk.", "You are a careful desk."))
    headline = replay.headline()
    assert headline is not None
    assert headline.grade == "changed_request"
    assert headline.differences[0].path == "/messages/0/content"


def test_call_the_recording_lacks_stops_the_program(tmp_path):
    replay = replayed_command(tmp_path, desk_doing('tool("cancel", {"order_id": "ord_1"})\nraise SystemExit(3)'))
    assert replay.outcome == "stopped"
    assert "step 1, call of cancel" in replay.error


def test_miss_can_be_an_error_of_the_tool_instead(tmp_path):
    program = desk_doing(
        'try: tool("cancel", {})\nexcept RuntimeError as error: print("told:", error)\nraise SystemExit'
    )
    replay = replayed_command(tmp_path, program, modes=Modes(on_miss="error_result"))
    assert replay.trace.output.startswith("told: ")


def test_live_tool_is_run_by_the_program_and_compared(tmp_path):
    program = DESK.replace(
        '    if "error" in answered:',
        '    if answered.get("run"):\n'
        '        url = os.environ["UNREPEAT_BOUNDARY_URL"] + f"/answers/{answered[\'step\']}"\n'
        '        return post(url, {"answer": "paid 11"})["answer"]\n'
        '    if "error" in answered:',
    )
    modes = Modes(live=frozenset({"tool:get_order"}))
    replay = replayed_command(tmp_path, program, modes=modes, allow_live=frozenset({"tool:get_order"}))
    live = replay.events[1]
    assert (live.name, live.mode, live.answer, live.outcome) == ("get_order", "live", "paid 11", "changed")


@pytest.mark.parametrize(
    ("printed", "where", "output"),
    [
        ('{"a": 1}', "stdout", {"a": 1}),
        ("two\nlines", "stdout", "two\nlines"),
        ('log\n{"a": 1}', "last-line", {"a": 1}),
        ("{not json", "stdout", "{not json"),
        ("7", "stdout", "7"),
    ],
)
def test_output_is_what_the_program_prints(tmp_path, printed, where, output):
    assert said(tmp_path, f"cat >/dev/null; printf '%s' '{printed}'", output=where).trace.output == output


def test_input_comes_on_standard_input_or_where_it_is_named(tmp_path):
    assert said(tmp_path, "cat", turns=["hello\nyou"]).trace.output == "hello\nyou"
    assert replayed_command(tmp_path, command=("echo", "{input}"), turns=[{"a": 1}]).trace.output == {"a": 1}


def test_turns_come_as_lines(tmp_path):
    assert said(tmp_path, "cat", turns=["one", {"two": 2}]).trace.output == '"one"\n{"two":2}'


@pytest.mark.parametrize(
    ("value", "printed"),
    [(2**70, str(2**70)), ({"a": "\ud800"}, '{"a":"\\ud800"}'), (["\ud800"], '["\\ud800"]')],
)
def test_values_beyond_usual_json_are_handed_over(tmp_path, value, printed):
    assert said(tmp_path, "printf 'got '; cat", turns=[value]).trace.output == f"got {printed}"
    assert said(tmp_path, "printf 'got '; cat", turns=[value, 1]).trace.output == f"got {printed}\n1"


@pytest.mark.parametrize(
    ("command", "value", "why"),
    [
        (("cat",), "half: \ud800", "UTF-8 can say, got half of a surrogate pair as character 7"),
        (("echo", "{input}"), "a\0b", "an argument can say, got the character NUL"),
        (("echo", "{input}"), "\ud800", "UTF-8 can say"),
        (("cat",), {"a": object()}, "JSON can say"),
    ],
)
def test_input_that_cannot_be_handed_over_is_no_verdict(tmp_path, command, value, why):
    with pytest.raises(UnableToReplayError, match=rf"case .*: input: expected an input that {why}"):
        replayed_command(tmp_path, command=command, turns=[value])


def test_argument_is_no_place_for_a_conversation(tmp_path):
    with pytest.raises(UnableToReplayError, match=r"expected one input for \{input\} .* got a conversation of 2 turns"):
        replayed_command(tmp_path, command=("echo", "{input}"), turns=["one", "two"])


def test_environment_is_scrubbed(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    monkeypatch.setenv("OPENAI_API_KEY", "real")
    shown = said(tmp_path, "env", env={"DESK": "yes"}).trace.output
    assert "AWS_SECRET_ACCESS_KEY" not in shown
    assert "real" not in shown
    assert "DESK=yes" in shown


def test_host_asked_of_the_proxy_is_reported_and_refused(tmp_path):
    replay = said(tmp_path, "curl -sS -m 5 https://api.example.com/ 2>/dev/null; echo done")
    assert replay.trace.output == "done"
    assert any("CONNECT api.example.com:443 by curl" in each for each in replay.refused)


def test_program_that_is_not_there_is_no_verdict_on_it(tmp_path):
    with pytest.raises(ReplayError, match="nowhere"):
        replayed_command(tmp_path, command=("./nowhere",))


def test_interpreter_of_the_harness_is_seen(tmp_path):
    code = "import orjson, sys; print(sys.prefix)"
    assert replayed_command(tmp_path, command=(sys.executable, "-c", code)).trace.output == sys.prefix


@pytest.mark.parametrize("clock", [ClockMode("static", 1_700_000_000_000_000_000), ClockMode("live")])
def test_program_can_ask_for_the_time_it_is_to_see(tmp_path, clock):
    asks = 'curl -s "$UNREPEAT_BOUNDARY_URL/clock"'
    replay = said(tmp_path, asks, modes=Modes(clock=clock))
    now = datetime.fromisoformat(replay.trace.output["answer"]).timestamp()
    start = clock.start_ns / 1e9 if clock.start_ns else time.time()
    assert abs(now - start) < 60


def test_live_boundary_that_never_reports_is_unseen(tmp_path):
    replay = replayed_command(
        tmp_path,
        desk_doing('post(os.environ["UNREPEAT_BOUNDARY_URL"] + "/tool/get_order", {"order_id": "ord_1"})'),
        modes=Modes(live=frozenset({"tool:get_order"})),
        allow_live=frozenset({"tool:get_order"}),
    )
    assert "step 1: nobody told what the live boundary get_order answered" in replay.unseen


def test_call_that_is_made_again_is_a_second_call_whatever_its_headers_say(tmp_path):
    program = desk_doing(
        "def again(url, body):\n"
        '    headers = {"content-type": "application/json", "x-stainless-retry-count": "1"}\n'
        "    request = urllib.request.Request(url, json.dumps(body).encode(), headers)\n"
        "    return json.load(urllib.request.urlopen(request))\n"
        'url = os.environ["UNREPEAT_BOUNDARY_URL"] + "/tool/get_order"\n'
        'again(url, {"order_id": "ord_1"}); again(url, {"order_id": "ord_1"})'
    )
    replay = replayed_command(tmp_path, program)
    assert [event.name for event in replay.events][:2] == ["get_order", "get_order"]
