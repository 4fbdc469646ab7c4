// The kit with a function that has every chunk lent to it, in a buffer that the connection uses again.
// deno-lint-ignore-file no-console

import { TcpServer } from "../../mod.ts";

const server = new TcpServer(async (conn) => {
  await conn.copyTo((chunk) => conn.sendAll(chunk));
}, { hostname: "127.0.0.1", port: 0 });

await server.listen();
console.log(`listening ${server.addr.port}`);
await server.serveForever();
