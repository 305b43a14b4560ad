// The official TypeScript client of MCP: asks a server what it is told to, and prints each answer as a line of JSON.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const plan = JSON.parse(process.argv[2]);
const transport = plan.url
  ? new StreamableHTTPClientTransport(new URL(plan.url))
  : new StdioClientTransport({ command: plan.command, args: plan.args, env: plan.env });
const client = new Client({ name: "a-real-app", version: "1.0.0" });
await client.connect(transport);

for (const [method, params] of plan.steps) {
  try {
    console.log(JSON.stringify(await client[method](params)));
  } catch (error) {
    console.log(JSON.stringify({ failed: error.code ?? null, message: error.message }));
  }
}
await client.close();
