"""An agent in a loop over Anthropic's messages: asynchronous, streamed through the client's own helper."""

import asyncio
import json

from anthropic import AsyncAnthropic

TOOLS = [
    {
        "name": "get_order",
        "description": "Look up an order.",
        "input_schema": {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]},
    }
]


async def main() -> None:
    client = AsyncAnthropic()
    messages = [{"role": "user", "content": "Where are my orders A-17 and A-18?"}]
    while True:
        async with client.messages.stream(
            model="claude-sonnet-4-5",
            max_tokens=500,
            system=[
                {"type": "text", "text": "You answer customers of the shop.", "cache_control": {"type": "ephemeral"}}
            ],
            messages=messages,
            tools=TOOLS,
        ) as stream:
            pieces = [text async for text in stream.text_stream]
            answer = await stream.get_final_message()
        messages.append({"role": "assistant", "content": answer.content})
        if answer.stop_reason != "tool_use":
            print("pieces of text:", "several" if len(pieces) > 1 else len(pieces))
            print("".join(pieces))
            return
        orders = {"A-17": {"status": "delivered"}, "A-18": {"status": "lost"}}
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": json.dumps(orders[block.input["order_id"]])}
            for block in answer.content
            if block.type == "tool_use"
        ]
        messages.append({"role": "user", "content": results})


asyncio.run(main())
