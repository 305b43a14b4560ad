"""A pydantic-ai agent over OpenAI's chat completions, asynchronous and streamed."""

import asyncio

from pydantic_ai import Agent

agent = Agent(
    "openai-chat:gpt-4.1-mini", instructions="You answer customers of the shop.", model_settings={"temperature": 0.2}
)


@agent.tool_plain
async def get_order(order_id: str) -> dict:
    """Look up an order."""
    return {"A-17": {"status": "delivered"}, "A-18": {"status": "lost"}}[order_id]


async def main() -> None:
    async with agent.run_stream("Where are my orders A-17 and A-18?") as result:
        pieces = [piece async for piece in result.stream_text(delta=True, debounce_by=None)]
    print("pieces of text:", "several" if len(pieces) > 1 else len(pieces))
    print("".join(pieces))


asyncio.run(main())
