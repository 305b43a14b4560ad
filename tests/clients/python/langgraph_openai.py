"""A graph of LangGraph with a model node and a tool node, over OpenAI's Responses, streamed step by step."""

from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition


def get_order(order_id: str) -> dict:
    """Look up an order."""
    return {"A-17": {"status": "delivered"}, "A-18": {"status": "lost"}}[order_id]


llm = ChatOpenAI(model="gpt-4.1-mini", temperature=0.2, use_responses_api=True).bind_tools([get_order])


def model(state: MessagesState) -> dict:
    return {"messages": [llm.invoke([("system", "You answer customers of the shop."), *state["messages"]])]}


graph = StateGraph(MessagesState)
graph.add_node("model", model)
graph.add_node("tools", ToolNode([get_order]))
graph.add_edge(START, "model")
graph.add_conditional_edges("model", tools_condition)
graph.add_edge("tools", "model")
steps = []
for update in graph.compile().stream({"messages": [("user", "Where are my orders A-17 and A-18?")]}):
    steps += update
    last = update
print(" ".join(steps))
print(last["model"]["messages"][-1].text)
