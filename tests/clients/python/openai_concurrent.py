"""Eight conversations at once, each of two turns, in an order that is never the same."""

import asyncio
import random

from openai import AsyncOpenAI

client = AsyncOpenAI()


async def say(messages: list, content: str) -> str:
    await asyncio.sleep(random.random() / 20)
    messages.append({"role": "user", "content": content})
    completion = await client.chat.completions.create(model="gpt-4.1-mini", messages=messages, temperature=0.2)
    messages.append({"role": "assistant", "content": completion.choices[0].message.content})
    return messages[-1]["content"]


async def converse(order_id: str) -> list[str]:
    messages = [{"role": "system", "content": "You answer customers of the shop."}]
    return [await say(messages, f"Where is {order_id}?"), await say(messages, "And what does it cost?")]


async def main() -> None:
    orders = [f"A-{number}" for number in range(8)]
    for order_id, answers in zip(orders, await asyncio.gather(*map(converse, orders)), strict=True):
        print(order_id, *answers)


asyncio.run(main())
