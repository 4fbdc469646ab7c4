// The kit on worker threads. The arguments are the handler module and the number of threads.
// deno-lint-ignore-file no-console

import { ThreadingTcpServer } from "../../server/workers/threading.ts";

const handler = new URL(Deno.args[0], import.meta.url);
const server = new ThreadingTcpServer(handler, {
  hostname: "127.0.0.1",
  port: 0,
  workers: Number(Deno.args[1]),
});

await server.listen();
const serving = server.serveForever();
console.log(`listening ${server.addr.port}`);
await serving;
