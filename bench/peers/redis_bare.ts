// Bare Deno: the example's protocol and store on a plain loop with a buffer that holds any batch.
// deno-lint-ignore-file no-console

import { RedisStore } from "../../examples/_redis_store.ts";
import { Session } from "../../examples/_resp.ts";

const store = new RedisStore();

async function serve(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(16_384);
  const session = new Session(store);
  try {
    for (let n; !session.over && (n = await conn.read(buffer)) !== null;) {
      const replies = session.receive(buffer.subarray(0, n));
      for (let sent = 0; sent < replies.length;) sent += await conn.write(replies.subarray(sent));
    }
  } catch {
    // The peer has reset the connection: it wants no answer.
  }
  conn.close();
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 4096 });
console.log(`listening ${listener.addr.port}`);
for (;;) {
  const conn = await listener.accept();
  conn.setNoDelay();
  serve(conn);
}
