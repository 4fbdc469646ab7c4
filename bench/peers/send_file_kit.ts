// The kit: sends the file that a client names.
// deno-lint-ignore-file no-console

import { TcpServer } from "../../mod.ts";

const server = new TcpServer(async (conn) => {
  await conn.sendFile((await conn.readLine())!);
}, { hostname: "127.0.0.1", port: 0 });

await server.listen();
console.log(`listening ${server.addr.port}`);
await server.serveForever();
