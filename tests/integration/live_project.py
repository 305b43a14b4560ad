"""A small system whose fix is a new prompt, a case about it, and how it is proven with the model of a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.harness.command_line import Done, call
from tests.integration.model_server import asks, says

KEY = "sk-test-0123456789abcdef-canary"
PROMISE = "It arrives on Friday, for sure."
HONEST = "I cannot promise a day."
APP = """\
import json, os
from model import complete
from tools import lookup

TOOL = {"type": "function", "function": {"name": "lookup", "description": "Looks an order up",
        "parameters": {"type": "object", "properties": {"order": {"type": "string"}}, "required": ["order"]}}}

def handle(text):
    print(dict(os.environ))
    messages = [{"role": "system", "content": "PROMPT"}, {"role": "user", "content": text}]
    while True:
        answer = complete(messages=messages, tools=[TOOL], temperature=0.3)
        messages.append(answer)
        if not answer.get("tool_calls"):
            return answer["content"] + " " + ",".join(sorted(k for k in os.environ if "KEY" in k))
        for call in answer["tool_calls"]:
            found = lookup(**json.loads(call["function"]["arguments"]))
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": found})
"""
MODEL = """\
def complete(messages, tools=None, temperature=None, seed=None):
    raise RuntimeError('the real model was called')
"""
TOOLS = "def lookup(order):\n    raise RuntimeError('the real tool was called')\n"
CONFIG = """\
[systems.desk]
python = "app:handle"
boundaries.model = ["model:complete"]
boundaries.tool = ["tools:lookup"]
timeout_s = TIMEOUT
versions.fix = "fix"
versions.old = "old"

"""
CASE = "assert:\n  - {type: not-contains, value: for sure}\nkind: incident\nstatus: open\nseverity: SEVERITY\n"
CHAT = [
    {"role": "system", "content": "Be nice."},
    {"role": "user", "content": "When does ord_1 arrive?"},
    asks("lookup", order="ord_1"),
    {"role": "tool", "tool_call_id": "c1", "content": "on its way"},
    says(PROMISE),
]
PROMPTS = {"fix": "Promise nothing.", "old": "Be nice."}


def make_project(folder: Path, *, more: str = "", app: str = APP, timeout_s: float = 30) -> Path:
    """Return a project: the versions ``fix`` and ``old``, and the imported case.

    Args:
        folder: An empty folder.
        more: Further lines of unrepeat.toml.
        app: The source of the app; PROMPT stands for the version's prompt.
        timeout_s: Of one replay.
    """
    for version, prompt in PROMPTS.items():
        (folder / version).mkdir()
        sources = {"app.py": app.replace("PROMPT", prompt), "model.py": MODEL, "tools.py": TOOLS}
        for name, text in sources.items():
            (folder / version / name).write_text(text)
    (folder / "unrepeat.toml").write_text(CONFIG.replace("TIMEOUT", str(timeout_s)) + more)
    (folder / "chat.json").write_text(json.dumps({"messages": CHAT}))
    assert call("import", "chat.json", "--id", "inc-1", cwd=folder).code == 0
    stated(folder, "low")
    return folder


def stated(project: Path, severity: str, more: str = "") -> None:
    """State what the case asserts."""
    head = "id: inc-1\ntitle: A day was promised\n"
    (project / "incidents/inc-1/case.yaml").write_text(head + CASE.replace("SEVERITY", severity) + more)


def proven(
    project: Path,
    url: str,
    *args: str,
    model: str = "openai/gpt-4o",
    key: str = KEY,
    start: Any = call,
    candidate: str = "fix",
    case: str = "inc-1",
) -> Done:
    """Prove the fix with the model of a server."""
    env = {"OPENAI_API_KEY": key, "OPENAI_BASE_URL": url}
    done: Done = start("prove", case, "--candidate", candidate, "--model", model, *args, cwd=project, **env)
    return done


def honest(number: int, body: Any) -> dict[str, Any]:
    """Look the order up, then answer without a promise."""
    return says(HONEST) if body["messages"][-1]["role"] == "tool" else asks("lookup", order="ord_1")


def run_of(project: Path, case: str = "inc-1") -> Path:
    """Return the newest result."""
    return max(project.glob(f".unrepeat/results/{case}/*/result.json"))
