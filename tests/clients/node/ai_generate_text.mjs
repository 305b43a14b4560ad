// Vercel's AI SDK: generateText with tools in a loop, over OpenAI's Responses.
import { openai } from "@ai-sdk/openai";
import { generateText, stepCountIs, tool } from "ai";
import { z } from "zod";

const orders = { "A-17": { status: "delivered" }, "A-18": { status: "lost", amount: 20.5 } };
const { text, steps } = await generateText({
  model: openai("gpt-4.1-mini"),
  system: "You answer customers of the shop.",
  prompt: "Where are my orders A-17 and A-18? Refund what is lost.",
  temperature: 0.2,
  stopWhen: stepCountIs(5),
  tools: {
    get_order: tool({
      description: "Look up an order.",
      inputSchema: z.object({ order_id: z.string() }),
      execute: async ({ order_id }) => orders[order_id],
    }),
    refund: tool({
      description: "Refund an order.",
      inputSchema: z.object({ order_id: z.string(), amount: z.number() }),
      execute: async ({ order_id, amount }) => `refunded ${amount} for ${order_id}`,
    }),
  },
});
console.log(steps.length, "steps");
console.log(text);
