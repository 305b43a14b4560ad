// An agent in a loop over Anthropic's messages, streamed through the client's own helper.
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic();
const messages = [{ role: "user", content: "Where are my orders A-17 and A-18?" }];
const tools = [
  {
    name: "get_order",
    description: "Look up an order.",
    input_schema: { type: "object", properties: { order_id: { type: "string" } }, required: ["order_id"] },
  },
];
for (;;) {
  let pieces = 0;
  const answer = await client.messages
    .stream({
      model: "claude-sonnet-4-5",
      max_tokens: 500,
      system: "You answer customers of the shop.",
      messages,
      tools,
      temperature: 0.2,
    })
    .on("text", () => pieces++)
    .finalMessage();
  messages.push({ role: "assistant", content: answer.content });
  if (answer.stop_reason !== "tool_use") {
    console.log("pieces of text:", pieces > 1 ? "several" : pieces);
    console.log(answer.content[0].text);
    break;
  }
  const status = { "A-17": "delivered", "A-18": "lost" };
  const results = answer.content
    .filter((block) => block.type === "tool_use")
    .map(({ id, input }) => ({ type: "tool_result", tool_use_id: id, content: status[input.order_id] }));
  messages.push({ role: "user", content: results });
}
