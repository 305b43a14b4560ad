"""An agent of the OpenAI Agents SDK, synchronous."""

from agents import Agent, ModelSettings, Runner, function_tool


@function_tool
def get_order(order_id: str) -> dict:
    """Look up an order."""
    return {"A-17": {"status": "delivered"}, "A-18": {"status": "lost", "amount": 20.5}}[order_id]


@function_tool
def refund(order_id: str, amount: float) -> str:
    """Refund an order."""
    return f"refunded {amount} for {order_id}"


agent = Agent(
    name="support",
    instructions="You answer customers of the shop.",
    model="gpt-4.1-mini",
    model_settings=ModelSettings(temperature=0.2),
    tools=[get_order, refund],
)
print(Runner.run_sync(agent, "Where are my orders A-17 and A-18? Refund what is lost.").final_output)
