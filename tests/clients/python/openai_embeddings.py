"""Embeddings, synchronous and asynchronous; the client asks for base64 unless told otherwise."""

import asyncio

from openai import AsyncOpenAI, OpenAI

MODEL = "text-embedding-3-small"


async def later() -> list[float]:
    answer = await AsyncOpenAI().embeddings.create(model=MODEL, input="refund policy", encoding_format="float")
    return answer.data[0].embedding


answer = OpenAI().embeddings.create(model=MODEL, input=["lost parcel", "late parcel"])
for each in answer.data:
    print(each.index, list(each.embedding))
print(asyncio.run(later()))
