"""An agent in a loop over OpenAI's Responses, which sends the whole conversation each time."""

import json

from openai import OpenAI

TOOLS = [
    {
        "type": "function",
        "name": "get_order",
        "description": "Look up an order.",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"order_id": {"type": "string"}},
            "required": ["order_id"],
            "additionalProperties": False,
        },
    }
]


def get_order(order_id: str) -> dict:
    return {"A-17": {"status": "delivered"}, "A-18": {"status": "lost"}}[order_id]


client = OpenAI()
conversation = [{"role": "user", "content": "Where are my orders A-17 and A-18?"}]
while True:
    response = client.responses.create(
        model="gpt-4.1-mini",
        instructions="You answer customers of the shop.",
        input=conversation,
        tools=TOOLS,
        temperature=0.2,
        store=False,
    )
    conversation += response.output
    calls = [item for item in response.output if item.type == "function_call"]
    if not calls:
        break
    for call in calls:
        output = json.dumps(get_order(**json.loads(call.arguments)))
        conversation.append({"type": "function_call_output", "call_id": call.call_id, "output": output})
print(response.output_text)
