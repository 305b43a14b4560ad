"""Recordings without ids of tool calls, asked by clients that need some."""

from __future__ import annotations

from typing import Any

from tests.replayers.recordings import answers, text
from tests.replayers.wire.served import HELLO, call, recorded, served

from unrepeat.cases.trace import Message, Trace


def nameless() -> Trace:
    """Return a conversation with two tool calls at once, neither with an id."""
    asked = [text("user", "hello")]
    proposal = Message(role="assistant", parts=(call("", "find", {"q": "a"}), call("", "find", {"q": "b"})))
    results = [answers("", "one"), answers("", "two")]
    return recorded((asked, [proposal]), ([*asked, proposal, *results], [text("assistant", "Found.")]))


def test_chat_client_gets_different_ids_and_is_compared_without_them() -> None:
    with served(nameless()) as desk:
        client, history = desk.openai(), [*HELLO]
        message = client.chat.completions.create(model="m1", messages=history).choices[0].message
        ids = [each.id for each in message.tool_calls]
        history.append(message)
        for made, output in zip(ids, ("one", "two"), strict=True):
            history.append({"role": "tool", "tool_call_id": made, "content": output})
        last = client.chat.completions.create(model="m1", messages=history)
        assert last.choices[0].message.content == "Found."
        assert len({*ids, ""}) == 3
        assert desk.faultless()


def test_responses_client_too() -> None:
    with served(nameless()) as desk:
        client = desk.openai()
        first = client.responses.create(model="m1", input="hello")
        new: list[Any] = [
            {"type": "function_call_output", "call_id": item.call_id, "output": output}
            for item, output in zip(first.output, ("one", "two"), strict=True)
        ]
        last = client.responses.create(model="m1", input=new, previous_response_id=first.id)
        assert last.output_text == "Found."
        assert desk.faultless()


def test_anthropic_client_too() -> None:
    with served(nameless()) as desk:
        client, history = desk.anthropic(), [*HELLO]
        content = client.messages.create(model="m1", messages=history, max_tokens=9).content
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": output}
            for block, output in zip(content, ("one", "two"), strict=True)
        ]
        history += [{"role": "assistant", "content": content}, {"role": "user", "content": results}]
        last = client.messages.create(model="m1", messages=history, max_tokens=9)
        assert last.content[0].text == "Found."
        assert desk.faultless()
