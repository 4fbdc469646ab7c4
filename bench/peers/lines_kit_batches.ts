// The kit's framing by the batch: all lines that came together are answered with one write.
// deno-lint-ignore-file no-console

import { lines, TcpServer } from "../../mod.ts";

const framing = lines();

const server = new TcpServer(async (conn) => {
  for await (const batch of framing.batches(conn)) {
    let replies = "";
    for (const line of batch) replies += `${line.toUpperCase()}\n`;
    await conn.sendAll(replies);
  }
}, { hostname: "127.0.0.1", port: 0 });

await server.listen();
console.log(`listening ${server.addr.port}`);
await server.serveForever();
