"""A streamed answer through the client's own helper, which puts the chunks together."""

from openai import OpenAI

with OpenAI().chat.completions.stream(
    model="gpt-4.1-mini",
    temperature=0.2,
    messages=[
        {"role": "system", "content": "You answer customers of the shop."},
        {"role": "user", "content": "When do you open?"},
    ],
) as stream:
    pieces = [event.delta for event in stream if event.type == "content.delta"]
    print("pieces of text:", "several" if len(pieces) > 1 else len(pieces))
    print(stream.get_final_completion().choices[0].message.content)
