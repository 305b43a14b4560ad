"""Measures recorded replay with scoring: ten steps and 20 KB a run, every request compared, results written.

    python -m benchmarks.replay [--python PEERS/bin/python] [--quick] [--inspect] [--json]

Ours twice: the recorded conversation driven again, which is the trajectory replayer; and an app's own loop whose
requests are built anew at every step and come in as OpenAI messages, which is what the Python replayer compares.
Each side runs in a process of its own. The time is CPU of the loop, without start-up and imports; the peak memory is
that of the whole process. All sides are run in turn, and medians are printed.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .measure import Row, cell, interleaved, ratio, run, table
from .trajectories import BAD_ORDER, BUFFER, PATTERN, write_runs

ASSERTIONS = [
    {"type": "not-tool-called", "tool": "issue_refund", "args": {"order_id": BAD_ORDER}},
    {"type": "not-regex", "value": PATTERN},
]
PEERS = Path(__file__).with_name("replay_peers.py")
WORDS = {
    "bare loop": "bare loop, digests stored with the recording",
    "bare traces": "bare loop over the traces unrepeat reads",
    "unrepeat": "unrepeat, conversation driven again",
    "unrepeat app": "unrepeat, requests built anew by an app",
    "vcrpy": "vcrpy",
    "pydantic-ai": "pydantic-ai, function model",
    "inspect": "Inspect, mockllm",
}


def ours(folder: Path, results: Any) -> Iterator[bool]:
    """Drive each recorded conversation again."""
    from unrepeat.replayers.trajectory import replay_trajectory

    return _judged(folder, results, replay_trajectory)


def ours_app(folder: Path, results: Any) -> Iterator[bool]:
    """Run a small agent whose boundary calls are answered from the recording."""
    return _judged(folder, results, _replay_app)


def _judged(folder: Path, results: Any, replay: Callable[[Any], Any]) -> Iterator[bool]:
    import msgspec

    from unrepeat.cases.assertions import ASSERTION_ADAPTER
    from unrepeat.cases.trace import Trace
    from unrepeat.harness.judging import judged
    from unrepeat.harness.verdict import decide
    from unrepeat.scorers.registry import compile_all, score_trace

    scorers = compile_all(map(ASSERTION_ADAPTER.validate_python, ASSERTIONS))
    decode, encode = msgspec.json.Decoder(Trace).decode, msgspec.json.Encoder().encode
    with (folder / "traces.jsonl").open("rb", BUFFER) as lines:
        for line in lines:
            trace = decode(line)
            recorded = score_trace(scorers, trace)
            candidate = judged(scorers, trace, replay(trace), recorded=recorded)
            decision = decide(recorded, None, candidate, len(scorers))
            results.write(encode(_result(trace.trace_id, decision, candidate)) + b"\n")
            yield decision.verdict == "still_failing" and candidate.replay.limit is None


def _result(trace_id: str, decision: Any, candidate: Any) -> Row:
    """Return what is kept of a run; its steps are those of the recording, wherever there is no divergence."""
    replay = candidate.replay
    return {
        "id": trace_id,
        "verdict": decision.verdict,
        "reason": decision.reason,
        "scores": candidate.scores,
        "outcome": replay.outcome,
        "limit": replay.limit,
        "divergences": replay.divergences,
        "coverage": replay.coverage,
        "digest": replay.digest,
    }


def _replay_app(trace: Any) -> Any:
    """An agent's loop in this process: OpenAI messages in, OpenAI messages out."""
    from unrepeat.cases.messages import to_openai
    from unrepeat.replayers.finish import Ending, finished
    from unrepeat.replayers.playback import Playback
    from unrepeat.replayers.trajectory import RECORDING

    playback = Playback(trace)
    first = trace.spans[0].view
    history = [to_openai(message) for message in trace.inputs(first)]
    while True:
        _, reply = playback.ask(
            "model", "chat", {"model": first.request_model, **first.params, "messages": list(history)}
        )
        history.append(reply.value)
        if not reply.value.get("tool_calls"):
            break
        for call in reply.value["tool_calls"]:
            name, arguments = call["function"]["name"], json.loads(call["function"]["arguments"])
            _, result = playback.ask("tool", name, arguments)
            history.append({"role": "tool", "tool_call_id": call["id"], "content": result.value})
    return finished(
        playback,
        Ending("completed", reply.value["content"]),
        case_id="",
        version=RECORDING,
        replayer="python",
        duration_s=0.0,
    )


OURS = {"unrepeat": ours, "unrepeat app": ours_app}


BARE = ("bare loop", "bare traces")


def child(side: str, folder: Path) -> int:
    """Do the work of one of our sides and print what it took."""
    with (folder / f"results-{side.replace(' ', '-')}.jsonl").open("wb", BUFFER) as results:
        work = OURS[side](folder, results)
        next(work)  # the first run imports and compiles
        started = time.process_time()
        reproduced = 1 + sum(work)
        took = time.process_time() - started
    print(json.dumps({"loop_s": took, "reproduced": reproduced}))
    return 0


def measure(options: argparse.Namespace) -> list[Row]:
    """Measure every side, the quick ones at two sizes to see that memory stays flat."""
    rows = []
    for count, sides in (
        (options.peers_n, ["vcrpy", "pydantic-ai", *(["inspect"] if options.inspect else [])]),
        (options.n // 10, [*BARE, *OURS]),
        (options.n, [*BARE, *OURS]),
    ):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_runs(folder, count)
            found = interleaved({side: _work(side, folder, options.python) for side in sides}, options.runs)
            rows += [{"side": side, "n": count, **_per_run(row, count)} for side, row in found.items()]
    if not options.inspect:
        rows.append({"side": "inspect", "n": options.peers_n, "missing": "not asked for (--inspect)"})
    return rows


def _work(side: str, folder: Path, python: str) -> Callable[[], Row]:
    if side in OURS:
        return lambda: run([sys.executable, "-m", "benchmarks.replay", "--child", side, str(folder)])
    interpreter = sys.executable if side in BARE else python
    return lambda: run([interpreter, str(PEERS), side, str(folder)])


def _per_run(row: Row, count: int) -> Row:
    if "missing" in row:
        return row
    if row["reproduced"] != count:
        return {"missing": f"{row['reproduced']} of {count} came out as recorded"}
    return {"ms": row["loop_s"] / count * 1000, "peak_mb": row["peak_mb"]}


def report(rows: list[Row]) -> str:
    """Return the table."""
    counts = sorted({row["n"] for row in rows if row["side"] in OURS})
    found = {(row["side"], row["n"]): row for row in rows}
    peers_n = next(row["n"] for row in rows if row["side"] == "vcrpy")
    head = ["CPU a run", "ms", "of the bare loop", "of unrepeat", *(f"peak MB at {count:,}" for count in counts)]
    bare, own = found["bare loop", counts[-1]], found["unrepeat", counts[-1]]
    lines = []
    for side, words in WORDS.items():
        row = found.get((side, counts[-1])) or found[side, peers_n]
        name = words if (side, counts[-1]) in found or "missing" in row else f"{words} ({peers_n} runs)"
        peaks = [cell(found.get((side, count)), "peak_mb", ".0f") for count in counts]
        lines.append([name, cell(row, "ms", ".3f"), ratio(row, bare, "ms"), ratio(row, own, "ms"), *peaks])
    return table(head, lines)


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="interpreter in which the peers are installed")
    parser.add_argument("--n", type=int, default=10_000, help="runs replayed by ours and the bare loop")
    parser.add_argument("--peers-n", type=int, default=100, help="runs replayed by the peers")
    parser.add_argument("--runs", type=int, default=5, help="repetitions of each; the median is printed")
    parser.add_argument("--inspect", action="store_true", help="Inspect too, which takes a minute")
    parser.add_argument("--quick", action="store_true", help="fewer of everything")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.child:
        return child(options.child[0], Path(options.child[1]))
    if options.quick:
        options.n, options.peers_n, options.runs = 1000, 20, 3
    rows = measure(options)
    print(json.dumps(rows, indent=2) if options.json else report(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
