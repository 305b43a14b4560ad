"""A LangChain agent over ChatOpenAI."""

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI


def get_order(order_id: str) -> dict:
    """Look up an order."""
    return {"A-17": {"status": "delivered"}, "A-18": {"status": "lost", "amount": 20.5}}[order_id]


def refund(order_id: str, amount: float) -> str:
    """Refund an order."""
    return f"refunded {amount} for {order_id}"


agent = create_agent(
    model=ChatOpenAI(model="gpt-4.1-mini", temperature=0.2),
    tools=[get_order, refund],
    system_prompt="You answer customers of the shop.",
)
question = "Where are my orders A-17 and A-18? Refund what is lost."
state = agent.invoke({"messages": [{"role": "user", "content": question}]})
print(state["messages"][-1].content)
