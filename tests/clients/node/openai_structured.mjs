// Structured output of OpenAI's client, over chat completions and over Responses.
import OpenAI from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

const Decision = z.object({ order_id: z.string(), refund: z.boolean(), reason: z.string() });
const client = new OpenAI();
const messages = [
  { role: "system", content: "You answer customers of the shop." },
  { role: "user", content: "Order A-18 is lost. Refund it?" },
];
const completion = await client.chat.completions.parse({
  model: "gpt-4.1-mini",
  messages,
  temperature: 0.2,
  response_format: zodResponseFormat(Decision, "decision"),
});
const response = await client.responses.parse({
  model: "gpt-4.1-mini",
  input: messages,
  temperature: 0.2,
  text: { format: zodTextFormat(Decision, "decision") },
});
console.log(JSON.stringify(completion.choices[0].message.parsed));
console.log(JSON.stringify(response.output_parsed));
