// An agent in a loop over Anthropic's messages, with parallel tool calls.
import Anthropic from "@anthropic-ai/sdk";

const orders = { "A-17": { status: "delivered" }, "A-18": { status: "lost", amount: 20.5 } };
const run = {
  get_order: ({ order_id }) => orders[order_id],
  refund: ({ order_id, amount }) => ({ refunded: amount, order: order_id }),
};
const tools = [
  {
    name: "get_order",
    description: "Look up an order.",
    input_schema: { type: "object", properties: { order_id: { type: "string" } }, required: ["order_id"] },
  },
  {
    name: "refund",
    description: "Refund an order.",
    input_schema: {
      type: "object",
      properties: { order_id: { type: "string" }, amount: { type: "number" } },
      required: ["order_id", "amount"],
    },
  },
];

const client = new Anthropic();
const messages = [{ role: "user", content: "Where are my orders A-17 and A-18? Refund what is lost." }];
const system = "You answer customers of the shop.";
const counted = await client.messages.countTokens({ model: "claude-sonnet-4-5", system, messages, tools });
console.log("tokens:", counted.input_tokens);
for (;;) {
  const answer = await client.messages.create({
    model: "claude-sonnet-4-5",
    max_tokens: 500,
    system,
    messages,
    tools,
    temperature: 0.2,
  });
  messages.push({ role: "assistant", content: answer.content });
  const calls = answer.content.filter((block) => block.type === "tool_use");
  if (calls.length === 0) {
    console.log(answer.content[0].text);
    break;
  }
  const results = calls.map(({ id, name, input }) => ({
    type: "tool_result",
    tool_use_id: id,
    content: JSON.stringify(run[name](input)),
  }));
  messages.push({ role: "user", content: results });
}
