"""Programs that are replayed as commands: the refund desk, speaking to a model and to boundaries by HTTP alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.replayers.recordings import refund_trace

from unrepeat.cases.trace import Trace
from unrepeat.replayers.command_app import replay_command
from unrepeat.replayers.playback import Modes
from unrepeat.replayers.replay import Replay, Version
from unrepeat.replayers.system import Checkout, CommandSystem

DESK = """
import json, os, sys, urllib.request

def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)

def tool(name, arguments):
    answered = post(os.environ["UNREPEAT_BOUNDARY_URL"] + "/tool/" + name, arguments)
    if "error" in answered:
        raise RuntimeError(answered["error"])
    return answered["answer"]

def complete(messages):
    url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
    return post(url, {"model": "m1", "messages": messages})["choices"][0]["message"]

def run(name, arguments):
    return tool(name, arguments)

def handle(text):
    messages = [{"role": "system", "content": "You are a desk."}, {"role": "user", "content": text}]
    while True:
        answer = complete(messages)
        messages.append(answer)
        if not answer.get("tool_calls"):
            return answer["content"]
        for call in answer["tool_calls"]:
            result = run(call["function"]["name"], json.loads(call["function"]["arguments"]))
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})

if __name__ == "__main__":
    print(handle(json.load(sys.stdin)["text"]))
"""
GUARDED = DESK.replace(
    "    return tool(name, arguments)", '    return "refused" if name == "refund" else tool(name, arguments)'
)


def desk_doing(statements: str) -> str:
    """Return the desk with statements before it handles its request."""
    start = 'if __name__ == "__main__":\n'
    lines = "".join(f"    {line}\n" for line in statements.strip().splitlines())
    return DESK.replace(start, start + lines)


def replayed_command(
    folder: Path,
    program: str = DESK,
    *,
    command: Sequence[str] = (sys.executable, "desk.py"),
    trace: Trace | None = None,
    turns: Sequence[Any] | None = None,
    modes: Modes | None = None,
    model: Any = None,
    **system: Any,
) -> Replay:
    """Replay a program, which lies in desk.py, against the refund conversation."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "desk.py").write_text(program)
    recording = trace if trace is not None else refund_trace()
    described = CommandSystem(
        name="desk", command=tuple(command), **{"boundaries": {"tool": ("get_order", "refund")}, **system}
    )
    checkout = Checkout(version=Version(label="v"), folder=folder)
    return replay_command(recording, described, checkout, turns=turns or [recording.input], modes=modes, model=model)
