// Eight conversations at once, each of two turns, streamed, in an order that is never the same.
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic();

async function say(messages, content) {
  await new Promise((resolve) => setTimeout(resolve, 50 * Math.random()));
  messages.push({ role: "user", content });
  const stream = client.messages.stream({
    model: "claude-sonnet-4-5",
    max_tokens: 100,
    system: "You answer customers of the shop.",
    messages,
  });
  const answer = await stream.finalText();
  messages.push({ role: "assistant", content: answer });
  return answer;
}

async function converse(orderId) {
  const messages = [];
  return [orderId, await say(messages, `Where is ${orderId}?`), await say(messages, "And what does it cost?")];
}

const orders = Array.from({ length: 8 }, (_, number) => `A-${number}`);
for (const told of await Promise.all(orders.map(converse))) console.log(...told);
