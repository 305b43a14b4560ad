"""A candidate that does nothing does not have the failure either; that is no fix."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.harness.refund_project import make_project, proven
from tests.replayers.recordings import write_app

IDLE = 'import model, tools\n\ndef handle(text):\n    return "all good"\n'


@pytest.mark.parametrize(
    "assertion", ["{type: not-tool-called, tool: refund}", "{type: not-contains, value: refunded}"]
)
def test_candidate_that_makes_no_call_is_not_judged(tmp_path: Path, assertion: str) -> None:
    case = make_project(tmp_path, f"assert: [{assertion}]\n")
    write_app(tmp_path / "idle", app=IDLE)
    verdict = proven(case, str(tmp_path / "idle"))
    assert (verdict.verdict, "made no call at all" in verdict.reason) == ("cannot_judge", True)
