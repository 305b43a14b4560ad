// An agent in a loop over OpenAI's chat completions, with parallel tool calls.
import OpenAI from "openai";

const orders = { "A-17": { status: "delivered", amount: 9.5 }, "A-18": { status: "lost", amount: 20.5 } };
const run = {
  get_order: ({ order_id }) => orders[order_id],
  refund: ({ order_id, amount }) => `refunded ${amount} for ${order_id}`,
};
const tools = [
  {
    type: "function",
    function: {
      name: "get_order",
      description: "Look up an order.",
      parameters: { type: "object", properties: { order_id: { type: "string" } }, required: ["order_id"] },
    },
  },
  {
    type: "function",
    function: {
      name: "refund",
      description: "Refund an order.",
      parameters: {
        type: "object",
        properties: { order_id: { type: "string" }, amount: { type: "number" } },
        required: ["order_id", "amount"],
      },
    },
  },
];

const client = new OpenAI();
const messages = [
  { role: "system", content: "You answer customers of the shop." },
  { role: "user", content: "Where are my orders A-17 and A-18? Refund what is lost." },
];
for (;;) {
  const completion = await client.chat.completions.create({
    model: "gpt-4.1-mini",
    messages,
    tools,
    temperature: 0.2,
  });
  const message = completion.choices[0].message;
  messages.push(message);
  if (!message.tool_calls) {
    console.log(message.content);
    break;
  }
  for (const call of message.tool_calls) {
    const result = run[call.function.name](JSON.parse(call.function.arguments));
    messages.push({ role: "tool", tool_call_id: call.id, content: JSON.stringify(result) });
  }
}
