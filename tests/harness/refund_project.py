"""A project with the refund app in several versions, and a case made from the recorded conversation."""

from __future__ import annotations

from pathlib import Path

from tests.cases.case_samples import ACT
from tests.replayers.apps import GUARDED, beginning_with, instead_of_call
from tests.replayers.recordings import APP, refund_trace, write_app

from unrepeat.cases import library
from unrepeat.cases.trace import Trace, TraceDocument
from unrepeat.harness.api import prove
from unrepeat.scorers.verdict import CaseVerdict

ASSERT = "assert: [{type: not-tool-called, tool: refund}]\n"
VERSIONS = {
    "v1": APP,
    "guarded": GUARDED,
    "early": instead_of_call('if name == "refund": return "no"\nresult = run(name, args)'),
    "prompted": APP.replace("You are a desk.", "You are a careful desk."),
    "crashing": beginning_with('raise ValueError("broken")'),
    "exiting": beginning_with("import os; os._exit(0)"),
    "hanging": beginning_with("import time; time.sleep(60)"),
    "unimportable": "import nothing_of_that_name\n",
    "moody": GUARDED.replace('"refused"', 'str(__import__("time").time_ns())'),
}
TOML = (
    """
[systems.desk]
python = "app:handle"
timeout_s = 5
boundaries.model = ["model:complete"]
boundaries.tool = ["tools:*"]
components.app = ["app.py"]
components.mood = { env = "MOOD" }
[systems.desk.versions]
"""
    + "".join(f'{name} = "{name}"\n' for name in VERSIONS)
)  # fmt: skip


def make_project(folder: Path, text: str = ASSERT, *, trace: Trace | None = None) -> Path:
    """Write the project and return its case folder."""
    (folder / "unrepeat.toml").write_text(TOML)
    for name, app in VERSIONS.items():
        write_app(folder / name, app=app)
    write_app(folder)
    document = TraceDocument(traces=(trace or refund_trace(),))
    case = folder / "incidents/inc-1"
    library.create(case, f"id: inc-1\ntitle: A refund nobody asked for\n{text}", document, {}, ACT)
    return case


def proven(case: Path, candidate: str | None = None, **more) -> CaseVerdict:
    """Prove the case against a version."""
    return prove(str(case), candidate=candidate, **more)
