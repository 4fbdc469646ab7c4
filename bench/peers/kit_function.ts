// The kit with a function as its handler.
// deno-lint-ignore-file no-console

import { TcpServer } from "../../mod.ts";

const server = new TcpServer(async (conn) => {
  let chunk;
  while ((chunk = await conn.recv()) !== null) await conn.sendAll(chunk);
}, { hostname: "127.0.0.1", port: 0 });

await server.listen();
console.log(`listening ${server.addr.port}`);
await server.serveForever();
