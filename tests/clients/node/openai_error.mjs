// A provider that refuses, as an app handles it.
import OpenAI from "openai";

const client = new OpenAI();
try {
  await client.chat.completions.create({
    model: "gpt-4.1-mini",
    temperature: 0.2,
    messages: [
      { role: "system", content: "You answer customers of the shop." },
      { role: "user", content: "Summarise all my orders." },
    ],
  });
  process.exit(1);
} catch (error) {
  if (!(error instanceof OpenAI.APIError)) throw error;
  console.log("refused:", error.error.message);
}
