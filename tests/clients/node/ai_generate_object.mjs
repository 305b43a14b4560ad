// Vercel's AI SDK: generateObject over OpenAI and over Anthropic, and embeddings.
import { anthropic } from "@ai-sdk/anthropic";
import { openai } from "@ai-sdk/openai";
import { embedMany, generateObject } from "ai";
import { z } from "zod";

const asked = {
  schema: z.object({ order_id: z.string(), refund: z.boolean(), reason: z.string() }),
  system: "You answer customers of the shop.",
  prompt: "Order A-18 is lost. Refund it?",
  temperature: 0.2,
};
for (const model of [openai("gpt-4.1-mini"), anthropic("claude-sonnet-4-5")]) {
  const { object } = await generateObject({ model, ...asked });
  console.log(JSON.stringify(object));
}
const { embeddings } = await embedMany({
  model: openai.embedding("text-embedding-3-small"),
  values: ["lost parcel", "late parcel"],
});
console.log(JSON.stringify(embeddings));
