"""An agent in a loop over OpenAI's chat completions, with parallel tool calls."""

import json

from openai import OpenAI

ORDERS = {"A-17": {"status": "delivered", "amount": 9.5}, "A-18": {"status": "lost", "amount": 20.5}}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_order",
            "description": "Look up an order.",
            "parameters": {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]},
        },
    },
    {
        "type": "function",
        "function": {
            "name": "refund",
            "description": "Refund an order.",
            "parameters": {
                "type": "object",
                "properties": {"order_id": {"type": "string"}, "amount": {"type": "number"}},
                "required": ["order_id", "amount"],
            },
        },
    },
]


def get_order(order_id: str) -> dict:
    return ORDERS[order_id]


def refund(order_id: str, amount: float) -> str:
    return f"refunded {amount} for {order_id}"


def run_tool(name: str, arguments: str) -> str:
    tool = {"get_order": get_order, "refund": refund}[name]
    return json.dumps(tool(**json.loads(arguments)))


client = OpenAI()
messages = [
    {"role": "system", "content": "You answer customers of the shop."},
    {"role": "user", "content": "Where are my orders A-17 and A-18? Refund what is lost."},
]
while True:
    completion = client.chat.completions.create(
        model="gpt-4.1-mini", messages=messages, tools=TOOLS, temperature=0.2, user="customer-1"
    )
    message = completion.choices[0].message
    messages.append(message)
    if not message.tool_calls:
        break
    for call in message.tool_calls:
        result = run_tool(call.function.name, call.function.arguments)
        messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
print(message.content)
