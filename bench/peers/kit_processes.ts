// The kit on child processes. The arguments are the handler module and the number of processes.
// deno-lint-ignore-file no-console

import { ForkingTcpServer } from "../../server/workers/forking.ts";

const handler = new URL(Deno.args[0], import.meta.url);
const server = new ForkingTcpServer(handler, {
  hostname: "127.0.0.1",
  port: 0,
  processes: Number(Deno.args[1]),
});

await server.listen();
const serving = server.serveForever();
console.log(`listening ${server.addr.port}`);
await serving;
