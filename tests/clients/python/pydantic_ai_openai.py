"""A pydantic-ai agent over OpenAI's Responses, synchronous."""

from pydantic_ai import Agent

agent = Agent(
    "openai:gpt-4.1-mini", system_prompt="You answer customers of the shop.", model_settings={"temperature": 0.2}
)


@agent.tool_plain
def get_order(order_id: str) -> dict:
    """Look up an order."""
    return {"A-17": {"status": "delivered"}, "A-18": {"status": "lost", "amount": 20.5}}[order_id]


@agent.tool_plain
def refund(order_id: str, amount: float) -> str:
    """Refund an order."""
    return f"refunded {amount} for {order_id}"


print(agent.run_sync("Where are my orders A-17 and A-18? Refund what is lost.").output)
