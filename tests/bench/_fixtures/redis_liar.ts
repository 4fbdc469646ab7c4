// Speaks Redis's protocol, and is wrong in some replies. The first argument says in which.
// deno-lint-ignore-file no-console

import { Buffer } from "node:buffer";
import { RedisStore } from "../../../examples/_redis_store.ts";
import { Session } from "../../../examples/_resp.ts";

const PATIENCE = 1000; // replies until a liar begins that only lies late
const VALUE = "VXK"; // of redis-benchmark
const [lie] = Deno.args;
const store = new RedisStore();
let answered = 0;

/** What each liar makes of the bytes of its replies. */
const LIES: Record<string, (replies: string) => string> = {
  honest: (replies) => replies,
  pang: (replies) => replies.replaceAll("+PONG", "+PANG"),
  "pang-late": (replies) => answered > PATIENCE ? replies.replaceAll("+PONG", "+PANG") : replies,
  no: (replies) => replies.replaceAll("+OK", "+NO"),
  changes: (replies) => replies.replaceAll(/\$3\r\n../g, "$3\r\n##"),
  mixes: (replies) => replies.replace(/^(.+\r\n)(.+\r\n)/, "$2$1"),
  adds: (replies) => `${replies}+PONG\r\n`,
  silent: () => "",
};

/** One that forgets says that it has stored what redis-benchmark sets. */
function heard(requests: Uint8Array): Uint8Array {
  if (lie !== "forgets") return requests;
  const text = Buffer.from(requests).toString("latin1");
  return Buffer.from(text.replaceAll(VALUE, "###"), "latin1");
}

async function serve(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(16_384);
  const session = new Session(store);
  for (let n; (n = await conn.read(buffer)) !== null;) {
    const honest = Buffer.from(session.receive(heard(buffer.subarray(0, n)))).toString("latin1");
    answered += honest.split("\r\n").length - 1;
    const replies = Buffer.from((LIES[lie] ?? LIES.honest)(honest), "latin1");
    for (let sent = 0; sent < replies.length;) sent += await conn.write(replies.subarray(sent));
  }
  conn.close();
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 4096 });
console.log(`listening ${listener.addr.port}`);
for await (const conn of listener) serve(conn).catch(() => conn.close()); // the client has seen enough
