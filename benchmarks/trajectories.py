"""Writes recorded agent runs: ten model calls, nine tool calls, about 20 KB of conversation each, all different.

Every run is written twice with the same texts: as the OpenAI messages that a bare loop and the peers drive, and as
the canonical trace that unrepeat reads.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

STEPS = 10
"""Model calls of a run; every one but the last proposes a tool call."""
RESULT_CHARS = 1400
SPEECH_CHARS = 250
MODEL = "gpt-4o"
PARAMS = {"temperature": 0.2, "max_tokens": 1024}
BUFFER = 1 << 20
"""Bytes read and written at a time by every side: lines are longer than Python's own buffer."""
BAD_ORDER = "ord_993"
"""The refund of this order is the failure that the recorded runs show."""
PATTERN = r"ignore\s+(?:all|previous)\s+instructions|card number \d{16}"
"""What no answer may say."""
WORDS = "refund policy order customer invoice within thirty days receipt shipping return exchange ticket agent".split()


def write_runs(folder: Path, count: int) -> None:
    """Write ``conversations.jsonl`` and ``traces.jsonl``."""
    with (folder / "conversations.jsonl").open("w") as plain, (folder / "traces.jsonl").open("w") as traces:
        for number, messages in enumerate(runs(count)):
            run = {
                "id": f"t{number}",
                "model": MODEL,
                "params": PARAMS,
                "messages": messages,
                "keys": keys_of(messages),
            }
            plain.write(json.dumps(run) + "\n")
            traces.write(json.dumps(trace_of(f"t{number}", messages)) + "\n")


def runs(count: int, seed: int = 11) -> Iterator[list[dict[str, Any]]]:
    """Yield conversations in the shape of the OpenAI chat API."""
    rng = random.Random(seed)
    for number in range(count):
        yield conversation(rng, number)


def conversation(rng: random.Random, number: int) -> list[dict[str, Any]]:
    """Return one run: the orders are looked up one after the other, the last is refunded, and the user is told."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You are a support agent. " + text(rng, 900)},
        {"role": "user", "content": f"Ticket {number}. " + text(rng, SPEECH_CHARS)},
    ]
    for step in range(STEPS - 1):
        last = step == STEPS - 2
        arguments = {"order_id": BAD_ORDER if last else f"ord_{rng.randrange(10**6) + 1000}", "note": text(rng, 60)}
        function = {"name": "issue_refund" if last else "get_order", "arguments": json.dumps(arguments)}
        call = {"id": f"call_{number}_{step}", "type": "function", "function": function}
        messages.append({"role": "assistant", "content": text(rng, SPEECH_CHARS), "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": text(rng, RESULT_CHARS)})
    messages.append({"role": "assistant", "content": text(rng, SPEECH_CHARS)})
    return messages


def keys_of(messages: list[dict[str, Any]]) -> list[str]:
    """Return the digest of each request, which a bare loop keeps beside its recordings."""
    keys = []
    for index, message in enumerate(messages):
        if message["role"] == "assistant":
            keys.append(key({"model": MODEL, "params": PARAMS, "messages": messages[:index]}))
            functions = [call["function"] for call in message.get("tool_calls", ())]
            keys += [key([each["name"], json.loads(each["arguments"])]) for each in functions]
    return keys


def key(value: Any) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def text(rng: random.Random, chars: int) -> str:
    """Return words, about as many characters as asked for."""
    return " ".join(rng.choices(WORDS, k=chars // 7)) + f" {rng.getrandbits(48):012x}"


def trace_of(trace_id: str, messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the canonical trace of a conversation, as ``trace.json`` has it."""
    spans: list[dict[str, Any]] = []
    for index, message in enumerate(messages):
        if message["role"] == "assistant":
            spans.append(model_span(len(spans), index))
        if message["role"] == "tool":
            spans.append(tool_span(len(spans), spans[-1]["span_id"], messages[index - 1], message))
    return {
        "trace_id": trace_id,
        "source": {"format": "benchmark"},
        "spans": spans,
        "messages": [parts_form(message) for message in messages],
        "input": {"text": messages[1]["content"]},
        "output": messages[-1]["content"],
    }


def model_span(number: int, index: int) -> dict[str, Any]:
    view = {
        "view": "model_call",
        "request_model": MODEL,
        "params": PARAMS,
        "input": list(range(index)),
        "output": [index],
    }
    return {"span_id": f"s{number + 1}", "name": "chat", "operation": "chat", "view": view}


def tool_span(number: int, parent: str, asked: dict[str, Any], answered: dict[str, Any]) -> dict[str, Any]:
    (call,) = asked["tool_calls"]
    view = {
        "view": "tool_call",
        "name": call["function"]["name"],
        "id": call["id"],
        "arguments": json.loads(call["function"]["arguments"]),
        "result": answered["content"],
        "effect": "write" if call["function"]["name"] == "issue_refund" else "read",
    }
    return {
        "span_id": f"s{number + 1}",
        "parent_id": parent,
        "name": view["name"],
        "operation": "execute_tool",
        "view": view,
    }


def parts_form(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message in the GenAI parts form."""
    if message["role"] == "tool":
        part = {"type": "tool_call_response", "id": message["tool_call_id"], "response": message["content"]}
        return {"role": "tool", "parts": [part]}
    parts: list[dict[str, Any]] = [{"type": "text", "content": message["content"]}]
    for call in message.get("tool_calls", ()):
        arguments = json.loads(call["function"]["arguments"])
        parts.append({"type": "tool_call", "id": call["id"], "name": call["function"]["name"], "arguments": arguments})
    return {"role": message["role"], "parts": parts}
