"""A small recorded refund conversation, and an app that reproduces it."""

from __future__ import annotations

from pathlib import Path

from unrepeat.cases.trace import Message, MessagePool, ModelCall, Source, Span, ToolCall, Trace, Write

QUESTION = "Refund order ord_1 please"
APP = """
import model, tools

def handle(text):
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
    while True:
        answer = model.complete(model="m1", messages=messages)
        messages.append(answer)
        if not answer.get("tool_calls"):
            return answer["content"]
        for call in answer["tool_calls"]:
            import json
            name, args = call["function"]["name"], json.loads(call["function"]["arguments"])
            result = run(name, args)
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})

SYSTEM = "You are a desk."

def run(name, args):
    return getattr(tools, name)(**args)
"""
MODEL = "def complete(model, messages):\n    raise RuntimeError('the real model was called')\n"
TOOLS = """
def get_order(order_id):
    raise RuntimeError("the real tool was called")

def refund(order_id, amount=10):
    raise RuntimeError("the real tool was called")
"""


def text(role: str, content: str) -> Message:
    """Return a message of one text part."""
    return Message(role=role, parts=({"type": "text", "content": content},))


def asks(call_id: str, name: str, arguments: dict[str, object]) -> Message:
    """Return an assistant message that proposes one call."""
    part = {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}
    return Message(role="assistant", parts=(part,))


def answers(call_id: str, response: str) -> Message:
    """Return a tool message."""
    return Message(role="tool", parts=({"type": "tool_call_response", "id": call_id, "response": response},))


def refund_trace(*, refunds: int = 1) -> Trace:
    """Return a conversation: look the order up, refund it (as often as said), answer."""
    pool = MessagePool()
    spans: list[Span] = []
    history = [pool.add(text("system", "You are a desk.")), pool.add(text("user", QUESTION))]
    steps: list[tuple[str, str, dict[str, object], str, str]] = [
        ("c1", "get_order", {"order_id": "ord_1"}, "paid 10", "read")
    ]
    steps += [
        (f"c{n + 2}", "refund", {"order_id": "ord_1", "amount": 10}, f"refunded {n}", "write") for n in range(refunds)
    ]
    for call_id, name, arguments, result, effect in steps:
        model, tool = f"m{call_id}", f"t{call_id}"
        output = pool.add(asks(call_id, name, arguments))
        spans.append(_model(model, history, output))
        view = ToolCall(id=call_id, name=name, arguments=arguments, result=result, effect=effect)  # type: ignore[arg-type]
        spans.append(Span(span_id=tool, parent_id=model, view=view))
        if effect == "write":
            write = Write(system="shop", resource=f"refunds/{arguments['order_id']}", operation="create")
            spans.append(Span(span_id=f"w{call_id}", parent_id=tool, view=write))
        history = [*history, output, pool.add(answers(call_id, result))]
    last = pool.add(text("assistant", "Done, refunded."))
    spans.append(_model("mlast", history, last))
    return Trace(
        trace_id="t1", source=Source(format="test"), spans=tuple(spans), messages=pool.messages(),
        input={"text": QUESTION}, output="Done, refunded.",
    )  # fmt: skip


def _model(span_id: str, history: list[int], output: int) -> Span:
    view = ModelCall(request_model="m1", input=tuple(history), output=(output,))
    return Span(span_id=span_id, operation="chat", view=view)


def write_app(folder: Path, *, app: str = APP, model: str = MODEL, tools: str = TOOLS) -> Path:
    """Write the app's modules into a folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in (("app", app), ("model", model), ("tools", tools)):
        (folder / f"{name}.py").write_text(source)
    return folder
