"""Structured output of OpenAI's client, over chat completions and over Responses."""

from openai import OpenAI
from pydantic import BaseModel


class Decision(BaseModel):
    order_id: str
    refund: bool
    reason: str


client = OpenAI()
messages = [
    {"role": "system", "content": "You answer customers of the shop."},
    {"role": "user", "content": "Order A-18 is lost. Refund it?"},
]
completion = client.chat.completions.parse(
    model="gpt-4.1-mini", messages=messages, response_format=Decision, temperature=0.2
)
response = client.responses.parse(model="gpt-4.1-mini", input=messages, text_format=Decision, temperature=0.2)
print(completion.choices[0].message.parsed)
print(response.output_parsed)
