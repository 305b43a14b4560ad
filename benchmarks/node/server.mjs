// Serves recorded answers with a mock server from npm: node server.mjs NAME FILE
//
// The file holds [question, answer] pairs; a question is the text of the last message. Prints the port, serves until
// its input ends, and prints the CPU time it took.
import { readFileSync } from "node:fs";

const [name, file] = process.argv.slice(2);
const pairs = JSON.parse(readFileSync(file, "utf8"));

// What tells the questions apart: they begin with their number. An anchored pattern costs a server least.
const opening = (question) => question.slice(0, question.indexOf(":") + 1);

function completion(content) {
  const message = { role: "assistant", content };
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 0,
    model: "gpt-4o",
    choices: [{ index: 0, message, finish_reason: "stop" }],
    usage: { prompt_tokens: 500, completion_tokens: 60, total_tokens: 560 },
  };
}

const servers = {
  async aimock() {
    const { LLMock } = await import("@copilotkit/aimock");
    const mock = new LLMock({ port: 0, logLevel: "silent" });
    for (const [question, answer] of pairs) {
      mock.onMessage(new RegExp(`^${opening(question)}`), { content: answer });
    }
    await mock.start();
    return Number(new URL(mock.url).port);
  },
  async "mock-llm"() {
    const { createServer } = await import("@dwmkerr/mock-llm/dist/server.js");
    const rules = pairs.map(([question, answer]) => ({
      path: "/v1/chat/completions",
      method: "POST",
      match: `starts_with(body.messages[-1].content, '${opening(question)}')`,
      response: { status: 200, content: JSON.stringify(completion(answer)) },
    }));
    const app = createServer({ rules, streaming: { chunkSize: 50, chunkIntervalMs: 0 } }, "127.0.0.1", 0);
    return await new Promise((resolve) => {
      const server = (app.app ?? app).listen(0, "127.0.0.1", () => resolve(server.address().port));
    });
  },
};

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
console.log = () => {}; // one of them prints every request

const port = await servers[name]();
say([port]);
const started = process.cpuUsage();
process.stdin.resume();
process.stdin.on("end", () => {
  const { user, system } = process.cpuUsage(started);
  process.stdout.write(`${JSON.stringify({ server_s: (user + system) / 1e6 })}\n`, () => process.exit(0));
});
