// The kit's single server with a handler that works on the processor for about a millisecond.
// deno-lint-ignore-file no-console

import { TcpServer } from "../../mod.ts";
import hash from "./_hash_module.ts";

const server = new TcpServer(hash, { hostname: "127.0.0.1", port: 0 });

await server.listen();
console.log(`listening ${server.addr.port}`);
await server.serveForever();
