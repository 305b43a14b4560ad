"""The ready-made agent of LangGraph over ChatAnthropic."""

import warnings

from langchain_anthropic import ChatAnthropic
from langgraph.prebuilt import create_react_agent

warnings.simplefilter("ignore")  # it says that langchain.agents has it now


def get_order(order_id: str) -> str:
    """Look up an order."""
    return {"A-17": "delivered", "A-18": "lost"}[order_id]


model = ChatAnthropic(model="claude-sonnet-4-5", temperature=0.2, max_tokens=500)
agent = create_react_agent(model, [get_order], prompt="You answer customers of the shop.")
state = agent.invoke({"messages": [("user", "Where are my orders A-17 and A-18?")]})
print(state["messages"][-1].content)
