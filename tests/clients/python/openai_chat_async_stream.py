"""An agent in a loop over OpenAI's chat completions: asynchronous and streamed, chunks put together by hand."""

import asyncio
import json
import sys

from openai import AsyncOpenAI

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_order",
            "description": "Look up an order.",
            "parameters": {"type": "object", "properties": {"order_id": {"type": "string"}}},
        },
    }
]


async def get_order(order_id: str) -> str:
    return json.dumps({"A-17": {"status": "delivered"}, "A-18": {"status": "lost"}}[order_id])


async def one_turn(client: AsyncOpenAI, messages: list) -> dict:
    stream = await client.chat.completions.create(
        model="gpt-4.1-mini",
        messages=messages,
        tools=TOOLS,
        temperature=0.2,
        stream=True,
        stream_options={"include_usage": True},
    )
    text, calls, pieces, usage = "", {}, 0, None
    async for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            if choice.delta.content:
                text += choice.delta.content
                pieces += 1
            for delta in choice.delta.tool_calls or []:
                call = calls.setdefault(delta.index, {"id": "", "name": "", "arguments": ""})
                call["id"] += delta.id or ""
                call["name"] += delta.function.name or ""
                call["arguments"] += delta.function.arguments or ""
    if usage is None:
        sys.exit("the stream ended without usage")
    if text:
        print("pieces of text:", "several" if pieces > 1 else pieces)
    message = {"role": "assistant", "content": text or None}
    if calls:
        message["tool_calls"] = [
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
            for call in calls.values()
        ]
    return message


async def main() -> None:
    messages = [
        {"role": "system", "content": "You answer customers of the shop."},
        {"role": "user", "content": "Where are my orders A-17 and A-18?"},
    ]
    async with AsyncOpenAI() as client:
        while True:
            message = await one_turn(client, messages)
            messages.append(message)
            if "tool_calls" not in message:
                print(message["content"])
                return
            results = await asyncio.gather(
                *(get_order(**json.loads(call["function"]["arguments"])) for call in message["tool_calls"])
            )
            for call, result in zip(message["tool_calls"], results, strict=True):
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})


asyncio.run(main())
