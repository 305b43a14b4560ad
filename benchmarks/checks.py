"""Measures checks over recorded outputs: ours beside a bare loop and the peers, each in a process of its own.

    python benchmarks/checks.py --python PEERS/bin/python [--n 1000 10000] [--ours-n 100000] [--runs 3] [--json]

The work is the same everywhere: read N recorded outputs of about 1 KB, find a pattern absent and two fields as
expected. agentevals compares trajectories only, so the same is measured for ours. CPU seconds are those of the
whole process, start-up and reading included, as the operating system reports them.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PATTERN = r"ignore\s+(?:all|previous)\s+instructions|ord_0{6}\d"
FIELDS = {"status": "approved", "currency": "EUR"}
WORDS = "refund policy order customer invoice within thirty days receipt shipping return exchange ticket agent".split()
CALL = {"order_id": "ord_993", "amount": 40}
INSPECT_MOST = 1000
"""Samples run through Inspect at most: it takes minutes beyond that."""


def answers(count: int) -> Iterator[dict[str, Any]]:
    """Yield outputs of about 1 KB, all different."""
    for number in range(count):
        text = " ".join(WORDS[(number * 7 + place * 3) % len(WORDS)] for place in range(130))
        yield {**FIELDS, "order_id": f"ord_{number + 100_000_000}", "answer": text}


def conversation(answer: str) -> list[dict[str, Any]]:
    """Return a run with one tool call, as the OpenAI API has it."""
    call = {"id": "c1", "type": "function", "function": {"name": "issue_refund", "arguments": json.dumps(CALL)}}
    return [
        {"role": "user", "content": "Refund my order"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "done"},
        {"role": "assistant", "content": answer},
    ]


def write_inputs(folder: Path, count: int) -> None:
    """Write the same outputs in the form each side reads."""
    with (folder / "outputs.jsonl").open("w") as plain, (folder / "traces.jsonl").open("w") as traces:
        for number, output in enumerate(answers(count)):
            plain.write(json.dumps(output) + "\n")
            span = {"span_id": "s1", "view": {"view": "tool_call", "name": "issue_refund", "arguments": CALL}}
            trace = {"trace_id": f"t{number}", "source": {"format": "bench"}, "spans": [span], "output": output}
            traces.write(json.dumps(trace) + "\n")


def outputs(folder: Path) -> Iterator[dict[str, Any]]:
    import orjson

    with (folder / "outputs.jsonl").open("rb") as lines:
        for line in lines:
            yield orjson.loads(line)


def is_good(output: dict[str, Any], search: Callable[[str], Any]) -> bool:
    return search(output["answer"]) is None and all(output[name] == value for name, value in FIELDS.items())


def bare_loop(folder: Path) -> int:
    import re

    search = re.compile(PATTERN).search
    return sum(is_good(output, search) for output in outputs(folder))


def _ours(folder: Path, assertions: list[dict[str, Any]]) -> int:
    import msgspec

    from unrepeat.cases.assertions import ASSERTION_ADAPTER
    from unrepeat.cases.trace import Trace
    from unrepeat.scorers.registry import compile_all, score_trace
    from unrepeat.scorers.score import Score

    scorers = compile_all(map(ASSERTION_ADAPTER.validate_python, assertions))
    decode = msgspec.json.Decoder(Trace).decode
    passed = 0
    with (folder / "traces.jsonl").open("rb") as lines:
        for line in lines:
            scores = score_trace(scorers, decode(line))
            passed += all(isinstance(score, Score) and score.passed is True for score in scores)
    return passed


def ours(folder: Path) -> int:
    fields = [{"type": "json-path", "path": f"$.{name}", "value": value} for name, value in FIELDS.items()]
    return _ours(folder, [{"type": "not-regex", "value": PATTERN}, *fields])


def ours_trajectory(folder: Path) -> int:
    return _ours(folder, [{"type": "trajectory", "reference": [{"tool": "issue_refund", "args": CALL}]}])


def agentevals(folder: Path) -> int:
    from agentevals.trajectory.match import create_trajectory_match_evaluator

    evaluate = create_trajectory_match_evaluator(trajectory_match_mode="strict")
    passed = 0
    for output in outputs(folder):
        run = conversation(output["answer"])
        passed += bool(evaluate(outputs=run, reference_outputs=conversation(output["answer"]))["score"])
    return passed


def pydantic_evals(folder: Path) -> int:
    import re
    from dataclasses import dataclass

    from pydantic_evals import Case, Dataset
    from pydantic_evals.evaluators import Evaluator, EvaluatorContext

    search = re.compile(PATTERN).search

    @dataclass
    class Good(Evaluator[dict[str, Any], dict[str, Any], None]):
        def evaluate(self, ctx: EvaluatorContext[dict[str, Any], dict[str, Any], None]) -> bool:
            return is_good(ctx.output, search)

    async def recorded(output: dict[str, Any]) -> dict[str, Any]:
        return output

    cases = [Case(name=str(number), inputs=output) for number, output in enumerate(outputs(folder))]
    report = Dataset(name="checks", cases=cases, evaluators=[Good()]).evaluate_sync(recorded, progress=False)
    return sum(case.assertions["Good"].value for case in report.cases)


def deepeval(folder: Path) -> int:
    import re

    from deepeval import evaluate
    from deepeval.evaluate import AsyncConfig, CacheConfig, DisplayConfig
    from deepeval.metrics import BaseMetric
    from deepeval.test_case import LLMTestCase

    search = re.compile(PATTERN).search

    class Good(BaseMetric):
        threshold = 1.0
        async_mode = False
        error = None
        evaluation_model = None
        strict_mode = False
        evaluation_cost = None
        verbose_logs = None
        include_reason = False
        reason = None
        skipped = False

        def measure(self, test_case: LLMTestCase, *_args: Any, **_options: Any) -> float:
            self.score = float(is_good(json.loads(test_case.actual_output or "{}"), search))
            self.success = self.score >= self.threshold
            return self.score

        def is_successful(self) -> bool:
            return bool(self.success)

    cases = [LLMTestCase(input="Refund my order", actual_output=json.dumps(output)) for output in outputs(folder)]
    result = evaluate(
        cases,
        [Good()],
        async_config=AsyncConfig(run_async=False),
        display_config=DisplayConfig(show_indicator=False, print_results=False),
        cache_config=CacheConfig(write_cache=False),
    )
    return sum(bool(each.success) for each in result.test_results)


def pytest_cases(folder: Path) -> int:
    import pytest

    source = (
        "import re, pytest\nfrom pathlib import Path\nfrom benchmark_checks import is_good, outputs, PATTERN\n"
        f"SEARCH = re.compile(PATTERN).search\nALL = list(outputs(Path({str(folder)!r})))\n"
        "@pytest.mark.parametrize('number', range(len(ALL)))\n"
        "def test_output(number):\n    assert is_good(ALL[number], SEARCH)\n"
    )
    sys.modules["benchmark_checks"] = sys.modules[__name__]
    (folder / "test_outputs.py").write_text(source)
    options = ["-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist", "--rootdir", str(folder)]
    code = pytest.main([*options, str(folder / "test_outputs.py")])
    return sum(1 for _ in outputs(folder)) if code == 0 else 0


def inspect(folder: Path) -> int:
    import asyncio
    import re

    from inspect_ai import Task, eval_async
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.model import ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import Score, accuracy, scorer
    from inspect_ai.solver import generate

    search = re.compile(PATTERN).search
    texts = [json.dumps(output) for output in outputs(folder)]

    @scorer(metrics=[accuracy()])
    def good() -> Any:
        async def score(state: Any, _target: Any) -> Score:
            return Score(value=int(is_good(json.loads(state.output.completion), search)))

        return score

    task = Task(
        dataset=MemoryDataset([Sample(input="Refund my order") for _ in texts]), solver=generate(), scorer=good()
    )
    recorded = [ModelOutput.from_content("mockllm/model", text) for text in texts]
    for answer in recorded:
        # Without usage it counts tokens, for which it downloads a vocabulary.
        answer.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    model = get_model("mockllm/model", custom_outputs=recorded)
    run = eval_async(task, model=model, log_dir=str(folder / "logs"), log_realtime=False, log_samples=False)
    (log,) = asyncio.run(run)
    accuracies = log.results.scores[0].metrics["accuracy"].value if log.results else 0
    return round(accuracies * len(texts))


SIDES: dict[str, tuple[str, str, Callable[[Path], int]]] = {
    "bare loop": ("bare loop, orjson and re", "orjson", bare_loop),
    "unrepeat": ("unrepeat, pattern and fields", "unrepeat.scorers", ours),
    "unrepeat trajectory": ("unrepeat, trajectory", "unrepeat.scorers", ours_trajectory),
    "agentevals": ("agentevals, trajectory match", "agentevals", agentevals),
    "pydantic-evals": ("pydantic-evals", "pydantic_evals", pydantic_evals),
    "pytest": ("pytest, parametrized", "pytest", pytest_cases),
    "deepeval": ("DeepEval, deterministic metric", "deepeval", deepeval),
    "inspect": ("Inspect, mockllm", "inspect_ai", inspect),
}
"""Words, module that must be there, and the work of each side."""
OURS = ("unrepeat", "unrepeat trajectory")
QUIET = {
    "DEEPEVAL_TELEMETRY_OPT_OUT": "YES",
    "LANGSMITH_TRACING": "false",
    "LOGFIRE_SEND_TO_LOGFIRE": "false",
    "INSPECT_DISPLAY": "none",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}


def measure(python: str, side: str, folder: Path, count: int) -> dict[str, Any]:
    """Run one side over N outputs in a process of its own.

    Returns:
        CPU seconds and peak megabytes, or why there are none.
    """
    command = [python, str(Path(__file__).resolve()), "--child", side, str(folder)]
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        child = subprocess.Popen(command, stdout=said, stderr=complained, env=os.environ | QUIET, cwd=folder)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        complained.seek(0)
        lines, errors = said.read().decode().split(), complained.read().decode().strip().splitlines()
    if child.returncode != 0 or not lines:
        return {"missing": errors[-1] if errors else "failed"}
    if lines[-1] != str(count):
        return {"missing": f"{lines[-1]} instead of {count} passed"}
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return {"cpu_s": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss / unit}


def run_child(side: str, folder: Path) -> int:
    """Do the work of one side and print how many outputs were good."""
    _, module, work = SIDES[side]
    if importlib.util.find_spec(module.partition(".")[0]) is None:
        print("not installed", file=sys.stderr)
        return 3
    print(work(folder))
    return 0


def median_of(results: list[dict[str, Any]]) -> dict[str, Any]:
    if any("missing" in each for each in results):
        return next(each for each in results if "missing" in each)
    return {name: statistics.median(each[name] for each in results) for name in ("cpu_s", "peak_mb")}


def measure_all(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure every side at every N, the sides in turn, so that a busy moment hits all of them."""
    sides = [side for side in SIDES if side != "inspect" or options.inspect]
    rows = []
    for count in sorted({1, *options.n, options.ours_n}):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_inputs(folder, count)
            measured: dict[str, list[dict[str, Any]]] = {side: [] for side in sides if is_due(side, count, options)}
            for _ in range(options.runs):
                for side, results in measured.items():
                    python = sys.executable if side in OURS else options.python
                    results.append(measure(python, side, folder, count))
            rows.extend({"side": side, "n": count, **median_of(results)} for side, results in measured.items())
    return rows


def is_due(side: str, count: int, options: argparse.Namespace) -> bool:
    if side == "inspect" and count > INSPECT_MOST:
        return False
    return count == 1 or count in options.n or side in (*OURS, "bare loop")


def table(rows: list[dict[str, Any]]) -> str:
    """Return the results as a Markdown table: CPU seconds by N, then memory and the ratio to ours."""
    counts = sorted({row["n"] for row in rows})
    found = {(row["side"], row["n"]): row for row in rows}
    shared = max(
        (count for count in counts if sum((side, count) in found for side in SIDES) > len(OURS) + 1), default=1
    )
    head = ["CPU s, whole process", *(f"N={count:,}" for count in counts), f"peak MB at {shared:,}", "of ours"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for side, (words, _, _) in SIDES.items():
        if (side, 1) not in found:
            continue
        cells = [cell(found.get((side, count)), "cpu_s", ".2f") for count in counts]
        own = found.get(("unrepeat trajectory" if side == "agentevals" else "unrepeat", shared), {})
        row = found.get((side, shared), {})
        ratio = f"{row['cpu_s'] / own['cpu_s']:.1f} ×" if "cpu_s" in row and "cpu_s" in own else ""
        lines.append("| " + " | ".join([words, *cells, cell(row, "peak_mb", ".0f"), ratio]) + " |")
    return "\n".join(lines)


def cell(row: dict[str, Any] | None, name: str, form: str) -> str:
    if not row:
        return ""
    return format(row[name], form) if name in row else row["missing"]


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="interpreter in which the peers are installed")
    parser.add_argument("--n", type=int, nargs="+", default=[1000, 10_000], help="numbers of outputs for all sides")
    parser.add_argument("--ours-n", type=int, default=100_000, help="number of outputs for ours and the bare loop")
    parser.add_argument("--runs", type=int, default=3, help="runs of each; the median is printed")
    parser.add_argument("--inspect", action="store_true", help=f"Inspect too, up to {INSPECT_MOST} outputs")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.child:
        return run_child(options.child[0], Path(options.child[1]))
    rows = measure_all(options)
    print(json.dumps(rows, indent=2) if options.json else table(rows))
    return 0


if __name__ == "__main__":
    # A peer's interpreter runs this file too: its folder must not shadow the packages of the same names.
    sys.path.pop(0)
    sys.exit(main())
