// Embeddings: unless told otherwise the client asks for base64, and decodes whatever comes.
import OpenAI from "openai";

const client = new OpenAI();
const model = "text-embedding-3-small";
const answer = await client.embeddings.create({ model, input: ["lost parcel", "late parcel"] });
for (const { index, embedding } of answer.data) console.log(index, JSON.stringify(embedding));
const floats = await client.embeddings.create({ model, input: "refund policy", encoding_format: "float" });
console.log(JSON.stringify(floats.data[0].embedding));
