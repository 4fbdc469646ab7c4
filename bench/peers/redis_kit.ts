// The kit: the handler of examples/redis_server.ts.
// deno-lint-ignore-file no-console

import { RedisStore } from "../../examples/_redis_store.ts";
import { Session } from "../../examples/_resp.ts";
import { TcpServer } from "../../mod.ts";

const store = new RedisStore();

const server = new TcpServer(async (conn) => {
  const session = new Session(store);
  for (let chunk; !session.over && (chunk = await conn.recv()) !== null;) {
    const replies = session.receive(chunk);
    if (replies.length > 0) await conn.sendAll(replies);
  }
}, { hostname: "127.0.0.1", port: 0 });

await server.listen();
console.log(`listening ${server.addr.port}`);
await server.serveForever();
