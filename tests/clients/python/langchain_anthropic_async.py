"""A LangChain agent over ChatAnthropic, asynchronous and streamed token by token."""

import asyncio

from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_core.tools import tool


@tool
async def get_order(order_id: str) -> dict:
    """Look up an order."""
    return {"A-17": {"status": "delivered"}, "A-18": {"status": "lost"}}[order_id]


async def main() -> None:
    agent = create_agent(
        model=ChatAnthropic(model="claude-sonnet-4-5", temperature=0.2, max_tokens=500),
        tools=[get_order],
        system_prompt="You answer customers of the shop.",
    )
    asked = {"messages": [{"role": "user", "content": "Where are my orders A-17 and A-18?"}]}
    pieces = []
    async for token, metadata in agent.astream(asked, stream_mode="messages"):
        if metadata["langgraph_node"] == "model" and token.text:
            pieces.append(token.text)
    print("pieces of text:", "several" if len(pieces) > 1 else len(pieces))
    print("".join(pieces))


asyncio.run(main())
