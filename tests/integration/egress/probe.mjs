// Ways out of a replay in Node; run as `node probe.mjs NAME`.
import dgram from "node:dgram";
import net from "node:net";

const { PROBE_TCP, PROBE_UDP, PROBE_UNIX } = process.env;
const ways = {
  connect: () => net.connect(Number(PROBE_TCP), "127.0.0.1").on("error", () => {}).on("data", () => process.exit()),
  fetch: () => fetch(`http://127.0.0.1:${PROBE_TCP}/`).catch(() => {}),
  udp: () => {
    const socket = dgram.createSocket("udp4");
    socket.on("error", () => process.exit());
    socket.send("probe", Number(PROBE_UDP), "127.0.0.1", () => process.exit());
  },
  unix: () => net.connect(PROBE_UNIX).on("error", () => {}).on("data", () => process.exit()),
};
setTimeout(() => process.exit(), 3000).unref();
process.on("uncaughtException", () => process.exit(1));
ways[process.argv[2]]();
