// The kit, line by line: each is answered with the same in capitals, by a write of its own.
// deno-lint-ignore-file no-console

import { TcpServer } from "../../mod.ts";

const server = new TcpServer(async (conn) => {
  for await (const line of conn.lines()) await conn.sendAll(`${line.toUpperCase()}\n`);
}, { hostname: "127.0.0.1", port: 0 });

await server.listen();
console.log(`listening ${server.addr.port}`);
await server.serveForever();
