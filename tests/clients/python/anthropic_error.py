"""A provider that refuses, as an app handles it."""

import anthropic

client = anthropic.Anthropic()
try:
    client.messages.create(
        model="claude-sonnet-4-5",
        max_tokens=100,
        system="You answer customers of the shop.",
        messages=[{"role": "user", "content": "Summarise all my orders."}],
    )
except anthropic.APIStatusError as error:
    print("refused:", error.body["error"]["message"])
    raise SystemExit(0) from None
raise SystemExit("the provider was expected to refuse")
