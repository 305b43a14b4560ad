"""A Python app sees the time of the incident, however it asks."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from tests.replayers.apps import GUARDED, beginning_with, replayed
from tests.replayers.recordings import APP, refund_trace

from unrepeat.cases.assertions import ASSERTION_ADAPTER
from unrepeat.cases.trace import Trace
from unrepeat.harness.judging import judged
from unrepeat.replayers.clock import ClockMode
from unrepeat.replayers.playback import Modes
from unrepeat.replayers.replay import Replay
from unrepeat.scorers.registry import compile_all
from unrepeat.scorers.score import Score

START_NS = 1_772_532_000_000_000_000
START = "2026-03-03T10:00:00"
MINUTE_NS = 60_000_000_000
ENTRY = "import model, tools\n{imports}\ndef handle(text):\n    return {asked}\n"


def timed_trace() -> Trace:
    """Return the recording with calls that begin at 10:00 and take a minute each."""
    trace = refund_trace()
    spans = tuple(
        msgspec.structs.replace(span, start_ns=START_NS + n * MINUTE_NS, end_ns=START_NS + (n + 1) * MINUTE_NS)
        for n, span in enumerate(trace.spans)
    )
    return msgspec.structs.replace(trace, spans=spans)


def asked(folder, asks: str, imports: str = "import time, datetime", clock: ClockMode | None = None) -> Replay:
    app = ENTRY.format(imports=imports, asked=asks)
    return replayed(folder, app=app, trace=timed_trace(), modes=Modes(clock=clock or ClockMode()))


@pytest.mark.parametrize(
    ("imports", "asks"),
    [
        ("from datetime import datetime", "datetime.now().isoformat()"),
        ("from datetime import datetime", "datetime.today().isoformat()"),
        ("import datetime as d", "d.datetime.utcnow().isoformat()"),
        ("import datetime as d", "d.datetime.now(d.timezone.utc).isoformat()"),
        ("from datetime import datetime, timedelta", "(datetime.now() + timedelta(days=1) - timedelta(1)).isoformat()"),
        ("from datetime import date", "date.today().isoformat() + 'T10:00:00'"),
        ("from datetime import datetime\nclass Mine(datetime): pass", "Mine.now().isoformat()"),
        ("from datetime import datetime\nnow = datetime.now", "now().isoformat()"),
        ("from time import time, gmtime, strftime", "strftime('%Y-%m-%dT%H:%M:%S', gmtime(time()))"),
        ("import time", "time.strftime('%Y-%m-%dT%H:%M:%S')"),
        ("import time", "time.strftime('%Y-%m-%dT%H:%M:%S', time.strptime(time.ctime()))"),
        ("import time", "time.strftime('%Y-%m-%dT%H:%M:%S', time.strptime(time.asctime()))"),
        ("import time", "time.strftime('%Y-%m-%dT%H:%M:%S', time.localtime(time.time_ns() / 1e9))"),
        ("import time", "time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(time.clock_gettime(time.CLOCK_REALTIME)))"),
        ("import logging", "logging.Formatter().formatTime(logging.makeLogRecord({}), '%Y-%m-%dT%H:%M:%S')"),
    ],
)  # fmt: skip
def test_app_sees_the_time_of_the_incident(tmp_path, monkeypatch, imports, asks):
    monkeypatch.setenv("TZ", "UTC")
    replay = asked(tmp_path, asks, imports)
    assert (replay.outcome, replay.trace.output[:18]) == ("completed", START[:18])
    assert replay.clock == f"{START}Z, replaced functions"


@pytest.mark.parametrize(
    "holds",
    [
        "isinstance(datetime.now(), datetime) and isinstance(datetime.now(), date)",
        "type(pickle.loads(pickle.dumps(datetime.now()))) is datetime",
        "pickle.loads(pickle.dumps(datetime.now))().year == 2026",
        "pickle.loads(pickle.dumps(time.time)) is time.time",
        "copy.deepcopy({'now': datetime.now(), 'ask': time.time})['ask'] is time.time",
        "datetime.strptime('2020-01-02', '%Y-%m-%d') == datetime(2020, 1, 2)",
        "datetime.now(ZoneInfo('Europe/Berlin')).utcoffset().total_seconds() == 3600",
        "datetime.now() <= datetime.now()",
        "Limiter().clock() < 1_800_000_000",
        "time.monotonic() < 1_000_000_000 and time.perf_counter() < 1_000_000_000",
    ],
)
def test_types_and_functions_work_as_they_did(tmp_path, holds):
    imports = """
import copy, pickle, time
from datetime import date, datetime
from zoneinfo import ZoneInfo
class Limiter: clock = time.time
"""
    replay = asked(tmp_path, holds, imports)
    assert (replay.outcome, replay.trace.output) == ("completed", True)


def test_pydantic_model_takes_the_time_for_its_default(tmp_path):
    imports = """
from datetime import datetime
from time import time
from pydantic import BaseModel, Field
class Note(BaseModel):
    at: datetime = Field(default_factory=datetime.now)
    stamp: float = Field(default_factory=time)
"""
    replay = asked(tmp_path, "Note().at.year == 2026 and Note().stamp < 1_800_000_000", imports)
    assert (replay.outcome, replay.trace.output) == ("completed", True)


def test_time_moves_on_with_the_recording_and_with_real_time(tmp_path):
    app = APP.replace("def handle(text):\n", "import time\nseen = []\ndef handle(text):\n").replace(
        "result = run(name, args)", "result = run(name, args); seen.append(time.time()); time.sleep(0.05)"
    )
    app = app.replace('return answer["content"]', "return [*seen, time.time()]")
    first, second, last = replayed(tmp_path, app=app, trace=timed_trace()).trace.output
    since = [each - START_NS / 1e9 for each in (first, second, last)]
    assert [each // 60 for each in since] == [2, 4, 6]  # the last recorded call ends after six minutes


def test_time_never_goes_back(tmp_path):
    app = beginning_with("import time; text_at = time.time(); time.sleep(0.3)").replace(
        'return answer["content"]', "return time.time() - text_at"
    )
    trace = timed_trace()
    spans = tuple(msgspec.structs.replace(span, end_ns=START_NS) for span in trace.spans)
    assert replayed(tmp_path, app=app, trace=msgspec.structs.replace(trace, spans=spans)).trace.output >= 0.3


def test_static_clock_starts_where_the_case_says(tmp_path):
    when = ClockMode("static", START_NS - 365 * 24 * 60 * MINUTE_NS, stated=True)
    replay = asked(tmp_path, "datetime.datetime.now().year", clock=when)
    assert (replay.trace.output, replay.clock, replay.clock_doubt) == (
        2025,
        "2025-03-03T10:00:00Z, replaced functions",
        "",
    )


def test_live_clock_is_the_real_one(tmp_path):
    replay = asked(tmp_path, "datetime.datetime.now(datetime.timezone.utc)", clock=ClockMode("live", stated=True))
    assert abs((datetime.fromisoformat(replay.trace.output) - datetime.now(UTC)).total_seconds()) < 60
    assert (replay.clock, replay.clock_doubt) == ("", "")


@pytest.mark.parametrize("start_ns", [None, 0, 5_000_000_000])
def test_recording_without_times_of_day_leaves_the_real_clock(tmp_path, start_ns):
    spans = tuple(msgspec.structs.replace(each, start_ns=start_ns) for each in refund_trace().spans)
    trace = msgspec.structs.replace(refund_trace(), spans=spans)
    app = ENTRY.format(imports="import time", asked="time.time()")
    replay = replayed(tmp_path, app=app, trace=trace, modes=Modes(clock=ClockMode(stated=True)))
    assert abs(replay.trace.output - datetime.now(UTC).timestamp()) < 60
    assert (replay.clock, "the recording has no times" in replay.clock_doubt) == ("", True)


@pytest.mark.parametrize(
    ("clock", "passed", "reason"),
    [
        (ClockMode("recorded", stated=True), None, "undecided: the case states the clock, and the system saw a time"),
        (ClockMode("recorded"), True, ""),
        (ClockMode("static", START_NS, stated=True), True, ""),
    ],
)
def test_pass_over_a_stated_time_that_was_not_shown_is_undecided(tmp_path, clock, passed, reason):
    trace = refund_trace()
    replay = replayed(tmp_path, app=GUARDED, trace=trace, modes=Modes(clock=clock))
    no_refund = ASSERTION_ADAPTER.validate_python({"type": "not-tool-called", "tool": "refund"})
    [score] = judged(compile_all([no_refund]), trace, replay).scores
    assert isinstance(score, Score)
    assert (score.passed, score.reason[: len(reason)]) == (passed, reason)
