"""A baseline shows the recorded failure on recorded answers, also where the candidate asks a live model."""

from __future__ import annotations

from pathlib import Path

from tests.harness.refund_project import make_project

from unrepeat.harness.proving import with_recorded_model
from unrepeat.harness.replaying import plan, replay_version
from unrepeat.harness.versions import resolve


def test_baseline_is_answered_by_the_recording(tmp_path: Path) -> None:
    case = make_project(tmp_path)
    what = plan(str(case), model=True)
    assert what.system is not None
    checkout = resolve(what.project, what.system, "v1")
    replay = replay_version(with_recorded_model(what), what.loaded.document.traces[0], checkout)
    assert (replay.outcome, replay.limit, {event.mode for event in replay.events}) == ("completed", None, {"recorded"})
