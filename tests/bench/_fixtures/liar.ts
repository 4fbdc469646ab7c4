// An echo that does wrong after a hundred messages. The argument says what: a benchmark must not believe any of it.
// deno-lint-ignore-file no-console

const PATIENCE = 100;
const STALL_MS = 300;

let heard = 0;
let stalled = Promise.resolve();

/** What each liar sends in place of a message, from the hundred and first on. */
const LIES: Record<string, (message: Uint8Array<ArrayBuffer>) => Uint8Array> = {
  honest: (message) => message,
  changes: (message) => message.map((byte, at) => at === message.length - 2 ? byte ^ 1 : byte),
  adds: (message) => new Uint8Array([...message, 10]),
  loses: () => new Uint8Array(0),
  repeats: () => new TextEncoder().encode("another message\n"),
  stalls: (message) => {
    if (heard === PATIENCE + 1) stalled = new Promise((resolve) => setTimeout(resolve, STALL_MS));
    return message;
  },
};

async function serve(conn: Deno.TcpConn, lie: string): Promise<void> {
  const buffer = new Uint8Array(4096);
  try {
    for (let n; (n = await conn.read(buffer)) !== null;) {
      const message = buffer.slice(0, n);
      const late = ++heard > PATIENCE;
      if (late && lie === "hangs-up") break;
      const reply = late ? LIES[lie](message) : message;
      await stalled;
      if (reply.length > 0) await conn.write(reply);
    }
  } catch {
    // The generator has seen enough.
  }
  conn.close();
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
console.log(`listening ${listener.addr.port}`);
for await (const conn of listener) serve(conn, Deno.args[0]);
