"""Run the scripted model, for a while or for one command.

python -m unrepeat.cases.shipped.scripted_server --port 8399
python -m unrepeat.cases.shipped.scripted_server --seed 7 unrepeat prove … --model openai-api/scripted/desk-1
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence

from .rules import FAILURE_RATES, OTHERWISE, scripted
from .server import ModelServer, serving

MODEL = "openai-api/scripted/desk-1"
"""What ``--model`` calls it: Inspect takes the address and the key of a service from variables named after it."""
KEY = "no-key-needed"


def main(arguments: Sequence[str]) -> int:
    """Serve; return the exit code, of the command where there is one."""
    asked = _parser().parse_args(arguments)
    try:
        with serving(scripted(asked.seed), asked.port) as server:
            if not asked.command:
                return _wait(server, asked.seconds)
            environment = {**os.environ, "SCRIPTED_BASE_URL": server.url, "SCRIPTED_API_KEY": KEY}
            return subprocess.run(asked.command, env=environment, check=False).returncode
    except (OSError, OverflowError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    rates = ", ".join(f'"{words}" {rate:.0%}' for words, rate in FAILURE_RATES)
    parser = argparse.ArgumentParser(
        prog="python -m unrepeat.cases.shipped.scripted_server",
        description="A scripted model behind OpenAI's chat completions, on the loopback interface. How often it "
        f"promises a day of arrival goes by the system prompt: {rates}, else {OTHERWISE:.0%}.",
    )
    parser.add_argument("--port", type=int, default=0, help="where to listen; any free port when left out")
    parser.add_argument("--seed", type=int, help="makes its draws the same in every run")
    parser.add_argument("--seconds", type=float, default=3600, help="when to stop by itself (%(default)s)")
    parser.add_argument(
        "command", nargs=argparse.REMAINDER, help=f"a command to run meanwhile; it finds the model as {MODEL}"
    )
    return parser


def _wait(server: ModelServer, seconds: float) -> int:
    print(f"export SCRIPTED_BASE_URL={server.url} SCRIPTED_API_KEY={KEY}", flush=True)
    print(f"model: {MODEL} · stops after {seconds:g} s, or with Ctrl-C", flush=True)
    time.sleep(seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
