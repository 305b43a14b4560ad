"""The pattern pass of redaction against the same patterns as plain Python regexes, in one run.

    python benchmarks/redaction.py [FOLDER] [--megabytes 8]

FOLDER holds JSON or JSON Lines traces; without it, traces are made up. Prints a table of MB/s on one core (CPU time,
median of three). Both sides replace values by the same tokens with the same checks.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from unrepeat.cases.patterns import PATTERNS
from unrepeat.cases.pseudonyms import Pseudonyms
from unrepeat.cases.redaction import Redactor

KEY = b"benchmark key of thirty-two byte"
WORDS = "the customer asked whether order was shipped to address and when refund will arrive on account".split()
UNICODE_CLASSES = {
    r"\p{Latin}\p{Greek}\p{Cyrillic}": r"a-zA-Z\u00c0-\u052f",
    r"\p{Latin}": "a-zA-Z",
    r"\p{L}": "a-zA-Z",
}


def made_up(megabytes: float) -> list[Any]:
    rng = random.Random(7)
    traces: list[Any] = []
    size = 0
    while size < megabytes * 1e6:
        trace = {"trace_id": f"{rng.getrandbits(128):032x}", "spans": [span(rng) for _ in range(10)]}
        size += len(json.dumps(trace))
        traces.append(trace)
    return traces


def span(rng: random.Random) -> dict[str, Any]:
    text = " ".join(rng.choices(WORDS, k=200))
    if rng.random() < 0.3:
        text += f" contact user{rng.randrange(10**6)}@example.com from 10.{rng.randrange(255)}.3.4"
    arguments = json.dumps({"order_id": f"#W{rng.randrange(10**7)}", "amount": rng.random() * 100})
    times = {"start": str(1712345678000000000 + rng.randrange(10**12)), "version": "1.2.3.4"}
    return {"span_id": f"{rng.getrandbits(64):016x}", "content": text, "arguments": arguments, **times}


def read(folder: Path, megabytes: float) -> list[Any]:
    values: list[Any] = []
    size = 0
    for path in sorted(folder.rglob("*.json*")):
        text = path.read_text()
        try:
            values += [json.loads(text)] if path.suffix == ".json" else [json.loads(line) for line in text.splitlines()]
        except ValueError:
            continue
        size += len(text)
        if size >= megabytes * 1e6:
            break
    return values


class PlainRegexes:
    """What one writes first: each pattern with ``re`` over each text."""

    def __init__(self) -> None:
        self.patterns = [(re.compile(translated(pattern.regex).encode()), pattern) for pattern in PATTERNS]
        self.pseudonyms = Pseudonyms(KEY)

    def redact(self, value: Any) -> Any:
        """Return a value with every match replaced."""
        if isinstance(value, dict):
            return {self.text(key): self.redact(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.redact(each) for each in value]
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        """Return a text with every match replaced."""
        blob = text.encode()
        for regex, pattern in self.patterns:
            for match in reversed(list(regex.finditer(blob))):
                hit = pattern.check(blob, *match.span(1 if regex.groups and match[1] is not None else 0))
                if hit:
                    token = self.pseudonyms.token(pattern.type, hit[2]).encode()
                    blob = blob[: hit[0]] + token + blob[hit[1] :]
        return blob.decode()


def translated(regex: str) -> str:
    for theirs, ours in UNICODE_CLASSES.items():
        regex = regex.replace(theirs, ours)
    return re.sub(r"\\u[0-9a-f]{4}-\\u[0-9a-f]{4}", r"\\x80-\\xff", regex)


def speed(work: Callable[[Any], Any], values: Iterable[Any], size: int) -> float:
    taken = []
    for _ in range(3):
        start = time.process_time()
        for value in values:
            work(value)
        taken.append(time.process_time() - start)
    return size / 1e6 / statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--megabytes", type=float, default=8)
    options = parser.parse_args()
    values = read(options.folder, options.megabytes) if options.folder else made_up(options.megabytes)
    size = sum(len(json.dumps(value, ensure_ascii=False).encode()) for value in values)
    ours, plain = Redactor(KEY), PlainRegexes()
    rows = {
        "unrepeat redact_value": speed(ours.redact_value, values, size),
        "plain Python regexes": speed(plain.redact, values, size),
    }
    print(f"{size / 1e6:.1f} MB of JSON in {len(values)} traces, {len(PATTERNS)} patterns")
    print(f"found in all rounds: {ours.report().summary()}")
    print(f"{'':24}{'MB/s':>8}{'ratio':>8}")
    for name, rate in rows.items():
        print(f"{name:24}{rate:8.1f}{rate / rows['plain Python regexes']:8.1f}")


if __name__ == "__main__":
    main()
