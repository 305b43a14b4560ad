// The client's own tool loop over OpenAI's chat completions, streamed.
import OpenAI from "openai";

const client = new OpenAI();
const runner = client.chat.completions.runTools({
  model: "gpt-4.1-mini",
  stream: true,
  temperature: 0.2,
  messages: [
    { role: "system", content: "You answer customers of the shop." },
    { role: "user", content: "Where is my order A-17?" },
  ],
  tools: [
    {
      type: "function",
      function: {
        name: "get_order",
        description: "Look up an order.",
        parameters: { type: "object", properties: { order_id: { type: "string" } }, required: ["order_id"] },
        parse: JSON.parse,
        function: ({ order_id }) => ({ order_id, status: "delivered" }),
      },
    },
  ],
});
let pieces = 0;
runner.on("content", () => pieces++);
const text = await runner.finalContent();
console.log("pieces of text:", pieces > 1 ? "several" : pieces);
console.log(text);
