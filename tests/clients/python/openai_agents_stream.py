"""An agent of the OpenAI Agents SDK, streamed."""

import asyncio

from agents import Agent, ModelSettings, Runner, function_tool
from openai.types.responses import ResponseTextDeltaEvent


@function_tool
async def get_order(order_id: str) -> str:
    """Look up an order."""
    return {"A-17": "delivered", "A-18": "lost"}[order_id]


agent = Agent(
    name="support",
    instructions="You answer customers of the shop.",
    model="gpt-4.1-mini",
    model_settings=ModelSettings(temperature=0.2),
    tools=[get_order],
)


async def main() -> None:
    result = Runner.run_streamed(agent, "Where are my orders A-17 and A-18?")
    pieces = 0
    async for event in result.stream_events():
        if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent):
            pieces += 1
    print("pieces of text:", "several" if pieces > 1 else pieces)
    print(result.final_output)


asyncio.run(main())
