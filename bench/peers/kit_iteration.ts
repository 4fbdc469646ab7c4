// The kit with a function that iterates over the chunks of a connection.
// deno-lint-ignore-file no-console

import { TcpServer } from "../../mod.ts";

const server = new TcpServer(async (conn) => {
  for await (const chunk of conn) await conn.sendAll(chunk);
}, { hostname: "127.0.0.1", port: 0 });

await server.listen();
console.log(`listening ${server.addr.port}`);
await server.serveForever();
