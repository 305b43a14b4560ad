"""Records what each client program sends and prints: ``python -m tests.clients.record [PROGRAM …]``.

A program runs against a provider that answers from its script. Only what went over the wire is kept.
"""

from __future__ import annotations

import json
import sys

from tests.clients.conversations import AT_ONCE, SCRIPTS
from tests.clients.provider import answering
from tests.clients.running import HERE, program_file, run

_ALL = SCRIPTS | AT_ONCE


def record(name: str) -> None:
    """Record one program, or say why not."""
    script = _ALL[name]
    with answering(script) as provider:
        origin = f"http://127.0.0.1:{provider.port}"
        variables = {
            "OPENAI_BASE_URL": f"{origin}/v1",
            "OPENAI_API_KEY": "recorded",
            "ANTHROPIC_BASE_URL": origin,
            "ANTHROPIC_API_KEY": "recorded",
            "OPENAI_AGENTS_DISABLE_TRACING": "1",
            "LANGSMITH_TRACING": "false",
        }
        done = run(program_file(name), variables)
        if done.returncode or len(provider.exchanges) != len(script):
            raise SystemExit(f"{name}: exit {done.returncode} after {len(provider.exchanges)} calls\n{done.stderr}")
        kept = {"printed": done.stdout, "exchanges": provider.exchanges}
    file = HERE / "recordings" / f"{name.replace('/', '-')}.json"
    file.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for each in sys.argv[1:] or _ALL:
        print(each)
        record(each)
