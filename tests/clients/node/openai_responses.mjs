// An agent in a loop over OpenAI's Responses, streamed.
import OpenAI from "openai";

const client = new OpenAI();
const input = [{ role: "user", content: "Where are my orders A-17 and A-18?" }];
const tools = [
  {
    type: "function",
    name: "get_order",
    description: "Look up an order.",
    strict: true,
    parameters: {
      type: "object",
      properties: { order_id: { type: "string" } },
      required: ["order_id"],
      additionalProperties: false,
    },
  },
];
for (;;) {
  const stream = client.responses.stream({
    model: "gpt-4.1-mini",
    instructions: "You answer customers of the shop.",
    input,
    tools,
    temperature: 0.2,
  });
  let pieces = 0;
  stream.on("response.output_text.delta", () => pieces++);
  const response = await stream.finalResponse();
  const calls = response.output.filter((item) => item.type === "function_call");
  if (calls.length === 0) {
    console.log("pieces of text:", pieces > 1 ? "several" : pieces);
    console.log(response.output_text);
    break;
  }
  for (const { call_id, name, arguments: given } of calls) {
    const status = { "A-17": "delivered", "A-18": "lost" }[JSON.parse(given).order_id];
    input.push({ type: "function_call", call_id, name, arguments: given });
    input.push({ type: "function_call_output", call_id, output: JSON.stringify({ status }) });
  }
}
