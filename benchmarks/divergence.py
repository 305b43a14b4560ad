"""Measures the explanation of a divergence: which fields of a request differ from the recorded one.

    python -m benchmarks.divergence [--quick] [--json]

Requests of 1, 10 and 100 KB in several shapes, each beside DeepDiff over the same two whole values. Both work on the
same values in one process, in turn; medians are printed. Comparing the keys of the requests comes before and is part
of the replay benchmark.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from .measure import Row, table
from .trajectories import text

SIZES = (1_000, 10_000, 100_000)
Pair = tuple[Any, Any]


def long_text(size: int, rng: random.Random) -> Pair:
    """One long text in which a few words changed, in the middle and near the end."""
    words = text(rng, size).split()
    changed = list(words)
    changed[len(words) // 2] = changed[-2] = "altered"
    return {"prompt": " ".join(words)}, {"prompt": " ".join(changed)}


def nested_argument(size: int, rng: random.Random) -> Pair:
    """Arguments with many records, one field of which changed."""
    old = {"filter": {"records": [record(rng, number) for number in range(max(1, size // 200))]}}
    new = copy.deepcopy(old)
    new["filter"]["records"][-1]["owner"]["id"] = "someone else"
    return old, new


def inserted_document(size: int, rng: random.Random) -> Pair:
    """A list of documents with one more in the middle."""
    old = [{"id": f"d{number}", "content": text(rng, 1000)} for number in range(max(1, size // 1000))]
    new = copy.deepcopy(old)
    new.insert(len(new) // 2, {"id": "new", "content": text(rng, 1000)})
    return {"documents": old}, {"documents": new}


def inserted_among_small(size: int, rng: random.Random) -> Pair:
    """A long list of small records: one removed near the start, one changed, one added at the end."""
    old = [record(rng, number) for number in range(max(4, size // 200))]
    new = copy.deepcopy(old)
    del new[1]
    new[len(new) // 2]["state"] = "altered"
    new += [record(rng, -1), record(rng, -2)]
    return {"records": old}, {"records": new}


def everything(size: int, rng: random.Random) -> Pair:
    """Two lists of different lengths with nothing in common."""
    count = max(2, size // 200)
    return (
        {"records": [record(rng, number) for number in range(count)]},
        {"records": [record(rng, -number) for number in range(1, count)]},
    )


def conversation(size: int, rng: random.Random) -> Pair:
    """Messages of a model request, one of which changed and two of which are new."""
    old = [{"role": "user", "content": text(rng, 500)} for _ in range(max(2, size // 500))]
    new = copy.deepcopy(old)
    new[len(new) // 2]["content"] += " altered"
    new += [{"role": "user", "content": text(rng, 500)} for _ in range(2)]
    return {"messages": old}, {"messages": new}


def record(rng: random.Random, number: int) -> dict[str, Any]:
    return {
        "id": number,
        "state": rng.choice(["open", "closed"]),
        "owner": {"id": f"u{rng.randrange(10**6)}", "name": text(rng, 30)},
        "tags": [f"t{rng.randrange(100)}" for _ in range(3)],
        "note": text(rng, 60),
    }


SHAPES: dict[str, Callable[[int, random.Random], Pair]] = {
    "changed long text": long_text,
    "changed nested argument": nested_argument,
    "inserted document": inserted_document,
    "records removed, changed, added": inserted_among_small,
    "nothing in common": everything,
    "conversation, one message changed, two added": conversation,
}


def ours(shape: str, pair: Pair) -> Callable[[], Any]:
    """Return what the product does with such a pair after the keys differed."""
    from unrepeat.cases.trace import Message
    from unrepeat.replayers.divergence import request_differences
    from unrepeat.replayers.request import Request

    old, new = pair
    if shape.startswith("conversation"):
        requests = [
            Request(
                kind="model",
                value={"model": "m", "params": {}, "tools": [], "system": []},
                messages=tuple(
                    Message(role=each["role"], parts=({"type": "text", "content": each["content"]},))
                    for each in value["messages"]
                ),
            )
            for value in (old, new)
        ]
    else:
        requests = [Request(kind="tool", value=old), Request(kind="tool", value=new)]
    return lambda: request_differences(*requests)


def deepdiff(pair: Pair) -> Callable[[], Any]:
    """Return what DeepDiff does with such a pair."""
    from deepdiff import DeepDiff

    return lambda: DeepDiff(*pair)


def milliseconds(work: Callable[[], Any], repetitions: int) -> float:
    """Return the median time of one call, after one to warm up."""
    work()
    times = []
    for _ in range(repetitions):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def measure(options: argparse.Namespace) -> list[Row]:
    """Measure every shape at every size, both sides in turn."""
    rows = []
    for shape, build in SHAPES.items():
        for size in SIZES:
            pair = build(size, random.Random(5))
            explain = ours(shape, pair)
            if not explain():
                raise SystemExit(f"{shape}: expected a difference, got none")
            mine = milliseconds(explain, options.runs)
            theirs = milliseconds(deepdiff(pair), max(1, options.runs // 10))
            rows.append({"shape": shape, "bytes": len(json.dumps(pair[0])), "ms": mine, "deepdiff_ms": theirs})
    return rows


def report(rows: list[Row]) -> str:
    """Return the table."""
    head = ["a divergence explained", "KB", "unrepeat ms", "DeepDiff ms", "DeepDiff of unrepeat"]
    return table(
        head,
        [
            [
                row["shape"],
                f"{row['bytes'] / 1000:.0f}",
                f"{row['ms']:.3f}",
                f"{row['deepdiff_ms']:.2f}",
                f"{row['deepdiff_ms'] / row['ms']:.3g} ×",
            ]
            for row in rows
        ],
    )


def main(argv: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=51, help="repetitions; the median is printed")
    parser.add_argument("--quick", action="store_true", help="fewer of them")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(argv)
    if options.quick:
        options.runs = 11
    rows = measure(options)
    print(json.dumps(rows, indent=2) if options.json else report(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
