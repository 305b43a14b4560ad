"""An agent in a loop over OpenAI's Responses: asynchronous, streamed through the client's own helper."""

import asyncio
import json

from openai import AsyncOpenAI

TOOLS = [
    {
        "type": "function",
        "name": "get_order",
        "description": "Look up an order.",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"order_id": {"type": "string"}},
            "required": ["order_id"],
            "additionalProperties": False,
        },
    }
]


async def main() -> None:
    client = AsyncOpenAI()
    conversation = [{"role": "user", "content": "Where is my order A-17?"}]
    while True:
        async with client.responses.stream(
            model="gpt-4.1-mini",
            instructions="You answer customers of the shop.",
            input=conversation,
            tools=TOOLS,
            temperature=0.2,
        ) as stream:
            pieces = [event.delta async for event in stream if event.type == "response.output_text.delta"]
            response = await stream.get_final_response()
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            print("pieces of text:", "several" if len(pieces) > 1 else len(pieces))
            print(response.output_text)
            return
        for call in calls:
            conversation.append(
                {"type": "function_call", "call_id": call.call_id, "name": call.name, "arguments": call.arguments}
            )
            order = {"status": "delivered", **json.loads(call.arguments)}
            conversation.append({"type": "function_call_output", "call_id": call.call_id, "output": json.dumps(order)})


asyncio.run(main())
