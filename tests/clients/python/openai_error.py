"""A provider that refuses, as an app handles it."""

import openai

client = openai.OpenAI()
try:
    client.chat.completions.create(
        model="gpt-4.1-mini",
        temperature=0.2,
        messages=[
            {"role": "system", "content": "You answer customers of the shop."},
            {"role": "user", "content": "Summarise all my orders."},
        ],
    )
except openai.APIStatusError as error:
    print("refused:", error.message)
    raise SystemExit(0) from None
raise SystemExit("the provider was expected to refuse")
