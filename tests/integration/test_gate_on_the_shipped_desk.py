"""The gate on the shipped example: one planted regression among fixes that hold."""

from __future__ import annotations

import shutil

from tests.harness.command_line import call, desk
from tests.harness.gate_project import commit, git


def test_planted_regression_is_blocked_with_its_case_and_step(tmp_path):
    project = desk(tmp_path / "desk")
    for case in ("inc-wrong-account", "nm-refund-amount"):
        assert call("prove", case, cwd=project).code == 0
        assert call("status", case, "fixed", cwd=project).code == 0
    git(project, "init", "-q", "-b", "main")
    commit(project)
    assert call("gate", "--base", "main", cwd=project).code == 0

    permission = "support_desk/access.py"
    shutil.copy(project / "support_desk/v1" / permission, project / "support_desk/v2" / permission)
    done = call("gate", "--base", "main", "--json", cwd=project)
    effects = {case["case_id"]: case["effect"] for case in done.json["cases"]}
    assert (done.code, effects.pop("inc-wrong-account"), effects.pop("nm-refund-amount")) == (1, "fail", "pass")
    assert set(effects.values()) == {"reported"}
    [case] = [case for case in done.json["cases"] if case["effect"] == "fail"]
    assert case["step"] == {"seq": 3, "kind": "tool", "name": "get_customer"}
    assert (case["cause"], case["owner"]) == ("permission (hypothesis)", "desk-platform")
