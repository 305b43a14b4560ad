// Vercel's AI SDK: streamText with tools in a loop, over OpenAI's chat completions.
import { openai } from "@ai-sdk/openai";
import { stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const result = streamText({
  model: openai.chat("gpt-4.1-mini"),
  system: "You answer customers of the shop.",
  prompt: "Where are my orders A-17 and A-18?",
  temperature: 0.2,
  stopWhen: stepCountIs(5),
  onError: ({ error }) => {
    console.error(error);
    process.exitCode = 1;
  },
  tools: {
    get_order: tool({
      description: "Look up an order.",
      inputSchema: z.object({ order_id: z.string() }),
      execute: async ({ order_id }) => ({ "A-17": "delivered", "A-18": "lost" })[order_id],
    }),
  },
});
const pieces = [];
for await (const piece of result.textStream) pieces.push(piece);
console.log("pieces of text:", pieces.length > 1 ? "several" : pieces.length);
console.log(pieces.join(""));
