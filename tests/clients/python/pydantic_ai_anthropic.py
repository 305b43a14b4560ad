"""A pydantic-ai agent over Anthropic's messages that answers in a structure."""

import asyncio

from pydantic import BaseModel
from pydantic_ai import Agent


class Decision(BaseModel):
    order_id: str
    refund: bool
    reason: str


agent = Agent(
    "anthropic:claude-sonnet-4-5",
    output_type=Decision,
    system_prompt="You answer customers of the shop.",
    model_settings={"temperature": 0.2},
)


@agent.tool_plain
def get_order(order_id: str) -> dict:
    """Look up an order."""
    return {"order_id": order_id, "status": "delivered"}


async def main() -> None:
    result = await agent.run("What of order A-17? Refund it?")
    print(result.output)


asyncio.run(main())
