"""The shipped incidents from traces as plain OpenTelemetry instrumentation writes them: the same verdicts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.harness.command_line import SHIPPED, call

OWN = ("unrepeat.arguments", "unrepeat.result", "unrepeat.boundary")
CASES = {
    "auto-reply": ("nm-auto-reply", "whole_run"),
    "duplicate-refund": ("inc-duplicate-refund", "recorded_action"),
    "hidden-instruction": ("inc-hidden-instruction", "recorded_action"),
    "internal-note": ("inc-internal-note", "whole_run"),
    "renamed-field": ("inc-renamed-field", "recorded_action"),
    "wrong-account": ("inc-wrong-account", "recorded_action"),
}


def plain(name: str) -> dict:
    """Return a shipped trace without the attributes that repeat a boundary's arguments and answer verbatim."""
    document = json.loads((SHIPPED / f"traces/{name}.json").read_text())
    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                span["attributes"] = [each for each in span["attributes"] if each["key"] not in OWN]
    return document


@pytest.mark.parametrize("name", CASES)
def test_fix_is_proven_on_unmodified_code(name: str, tmp_path: Path) -> None:
    case, scope = CASES[name]
    shutil.copytree(SHIPPED / "support_desk", tmp_path / "support_desk", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(SHIPPED / "unrepeat.toml", tmp_path)
    (tmp_path / "run.json").write_text(json.dumps(plain(name)))
    assert call("import", "run.json", "--id", case, cwd=tmp_path).code == 0
    shutil.copy(SHIPPED / f"incidents/{case}/case.yaml", tmp_path / f"incidents/{case}/case.yaml")
    done = call("prove", case, "--candidate", "v2", "--json", cwd=tmp_path)
    verdict = json.loads(done.out)
    assert (verdict["verdict"], verdict["scope"]) == ("fixed", scope)
