"""Writes OTLP/JSON lines the way a Collector's file exporter does: batches of spans of several traces at a time.

A trace is one agent run of eight spans: the agent, three model calls whose conversation grows, three tools, one
retrieval. Spans are 3 KB on average and a trace is scattered over several lines.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

WORDS = (
    "order refund policy customer account invoice shipping address payment ticket agent review approve "
    "delivery window superseded current version please return exchange within thirty days receipt zürich “quoted”"
).split()
BATCH_SPANS = 16
OPEN_TRACES = 4
START_NS = 1_750_000_000_000_000_000


def write_lines(path: Path, size_bytes: int, seed: int = 7) -> int:
    """Write at least ``size_bytes`` and return the number of spans."""
    rng = random.Random(seed)
    written = spans = 0
    with path.open("wb") as file:
        for batch in batches(rng):
            line = orjson.dumps(document(batch)) + b"\n"
            file.write(line)
            written += len(line)
            spans += len(batch)
            if written >= size_bytes:
                return spans
    return spans


def batches(rng: random.Random) -> Iterator[list[dict[str, Any]]]:
    """Yield batches of spans, interleaving the traces that are open."""
    running = [run(rng, number) for number in range(OPEN_TRACES)]
    number = OPEN_TRACES
    batch: list[dict[str, Any]] = []
    while True:
        slot = rng.randrange(OPEN_TRACES)
        span = next(running[slot], None)
        if span is None:
            running[slot] = run(rng, number)
            number += 1
            continue
        batch.append(span)
        if len(batch) == BATCH_SPANS:
            yield batch
            batch = []


def run(rng: random.Random, number: int) -> Iterator[dict[str, Any]]:
    """Yield the spans of one agent run, inner spans before the agent's own, as exporters send them."""
    trace_id = f"{rng.getrandbits(128):032x}"
    clock = started = START_NS + number * 10_000_000_000
    root = f"{rng.getrandbits(64):016x}"
    question = text(rng, 60)
    messages: list[dict[str, Any]] = [{"role": "user", "parts": [{"type": "text", "content": question}]}]

    def span(name: str, attributes: dict[str, Any]) -> dict[str, Any]:
        nonlocal clock
        is_root = name.startswith("invoke_agent")
        clock += 5_000_000
        return {
            "traceId": trace_id,
            "spanId": root if is_root else f"{rng.getrandbits(64):016x}",
            "parentSpanId": "" if is_root else root,
            "flags": 256,
            "name": name,
            "kind": 3,
            "startTimeUnixNano": str(started if is_root else clock),
            "endTimeUnixNano": str(clock + 4_000_000),
            "attributes": [{"key": key, "value": any_value(value)} for key, value in attributes.items()],
            "status": {},
        }

    yield span("retrieval policies", retrieval(rng, question))
    for _ in range(3):
        call_id = f"call_{rng.getrandbits(96):024x}"
        arguments = {"order_id": f"W{rng.randrange(10**7)}", "reason": text(rng, 6)}
        call = {"type": "tool_call", "id": call_id, "name": "get_order", "arguments": arguments}
        answer = {"role": "assistant", "parts": [{"type": "text", "content": text(rng, 25)}, call]}
        yield span("chat gpt-4o", chat(rng, messages, answer))
        result = {"order_id": arguments["order_id"], "status": "delivered", "notes": text(rng, 130)}
        yield span("execute_tool get_order", tool(call_id, arguments, result))
        response = {"type": "tool_call_response", "id": call_id, "response": result}
        messages = [*messages, answer, {"role": "tool", "parts": [response]}]
    yield span("invoke_agent support", agent(rng, question))


def chat(rng: random.Random, messages: list[dict[str, Any]], answer: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of a model call."""
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.max_tokens": 1024,
        "gen_ai.response.id": f"chatcmpl-{rng.getrandbits(64):x}",
        "gen_ai.response.finish_reasons": ["tool_calls"],
        "gen_ai.usage.input_tokens": rng.randrange(3000),
        "gen_ai.usage.output_tokens": rng.randrange(300),
        "gen_ai.system_instructions": dumps([{"type": "text", "content": "You are a support agent. " * 12}]),
        "gen_ai.input.messages": dumps(messages),
        "gen_ai.output.messages": dumps([{**answer, "finish_reason": "tool_call"}]),
    }


def tool(call_id: str, arguments: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of a tool call."""
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "get_order",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": call_id,
        "gen_ai.tool.call.arguments": dumps(arguments),
        "gen_ai.tool.call.result": dumps(result),
        "unrepeat.boundary": "tool",
        "unrepeat.tool.effect": "read",
    }


def retrieval(rng: random.Random, query: str) -> dict[str, Any]:
    """Return the attributes of a search for five documents."""
    documents = [
        {
            "id": f"doc-{rng.randrange(900)}",
            "score": rng.random(),
            "content": text(rng, 110),
            "status": "current",
        }
        for _ in range(5)
    ]
    return {
        "gen_ai.operation.name": "retrieval",
        "gen_ai.data_source.id": "policies",
        "gen_ai.retrieval.query.text": query,
        "gen_ai.retrieval.documents": dumps(documents),
        "unrepeat.retrieval.index_version": "2026-01-15",
    }


def agent(rng: random.Random, question: str) -> dict[str, Any]:
    """Return the attributes of the root span."""
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "support",
        "gen_ai.conversation.id": f"conv-{rng.getrandbits(40):x}",
        "unrepeat.input": dumps({"question": question}),
        "unrepeat.output": dumps(text(rng, 60)),
        "unrepeat.user.id": f"user-{rng.randrange(9999)}",
    }


def document(spans: list[dict[str, Any]]) -> dict[str, Any]:
    """Wrap spans in one TracesData."""
    attributes = {
        "service.name": "support",
        "service.version": "1.4.2",
        "deployment.environment": "production",
    }
    resource = {"attributes": [{"key": key, "value": any_value(value)} for key, value in attributes.items()]}
    scope = {"name": "support.agent", "version": "1.0"}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": scope, "spans": spans}]}]}


def any_value(value: Any) -> dict[str, Any]:
    """Return a value in OTLP's tagged form."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(item) for item in value]}}
    return {"stringValue": value}


def text(rng: random.Random, words: int) -> str:
    """Return a sentence of about this many words."""
    return " ".join(rng.choices(WORDS, k=rng.randrange(words // 2, words * 3 // 2 + 1)))


def dumps(value: Any) -> str:
    """Return JSON text."""
    return orjson.dumps(value).decode()
