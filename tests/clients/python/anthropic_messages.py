"""An agent in a loop over Anthropic's messages, with parallel tool calls; the tokens are counted first."""

import json

from anthropic import Anthropic

SYSTEM = "You answer customers of the shop."
TOOLS = [
    {
        "name": "get_order",
        "description": "Look up an order.",
        "input_schema": {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]},
    },
    {
        "name": "refund",
        "description": "Refund an order.",
        "input_schema": {
            "type": "object",
            "properties": {"order_id": {"type": "string"}, "amount": {"type": "number"}},
            "required": ["order_id", "amount"],
        },
    },
]


def get_order(order_id: str) -> dict:
    return {"A-17": {"status": "delivered"}, "A-18": {"status": "lost", "amount": 20.5}}[order_id]


def refund(order_id: str, amount: float) -> dict:
    return {"refunded": amount, "order": order_id}


client = Anthropic()
messages = [{"role": "user", "content": "Where are my orders A-17 and A-18? Refund what is lost."}]
counted = client.messages.count_tokens(model="claude-sonnet-4-5", system=SYSTEM, messages=messages, tools=TOOLS)
print("tokens:", counted.input_tokens)
while True:
    answer = client.messages.create(
        model="claude-sonnet-4-5", max_tokens=500, system=SYSTEM, messages=messages, tools=TOOLS
    )
    messages.append({"role": "assistant", "content": answer.content})
    if answer.stop_reason != "tool_use":
        break
    results = []
    for block in answer.content:
        if block.type == "tool_use":
            result = {"get_order": get_order, "refund": refund}[block.name](**block.input)
            results.append({"type": "tool_result", "tool_use_id": block.id, "content": json.dumps(result)})
    messages.append({"role": "user", "content": results})
print(answer.content[0].text)
