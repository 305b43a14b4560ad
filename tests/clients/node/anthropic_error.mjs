// A provider that refuses, as an app handles it.
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic();
try {
  await client.messages.create({
    model: "claude-sonnet-4-5",
    max_tokens: 100,
    temperature: 0.2,
    system: "You answer customers of the shop.",
    messages: [{ role: "user", content: "Summarise all my orders." }],
  });
  process.exit(1);
} catch (error) {
  if (!(error instanceof Anthropic.APIError)) throw error;
  console.log("refused:", error.error.error.message);
}
