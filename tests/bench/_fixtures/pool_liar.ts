// An echo whose only worker seems to die when a client says so. The first argument says what is then wrong: `hangs` never
// answers the clients that come in the first moment, as a balancer that still passes them to the dead one.
// deno-lint-ignore-file no-console

const [lie] = Deno.args;
const DEAD_MS = 50;

let died = -Infinity;

async function serve(conn: Deno.TcpConn): Promise<void> {
  const dead = performance.now() - died < DEAD_MS;
  const buffer = new Uint8Array(1024);
  for (let n; (n = await conn.read(buffer)) !== null;) {
    const message = new TextDecoder().decode(buffer.subarray(0, n));
    if (message === "die") {
      died = performance.now();
      break;
    }
    if (dead) continue;
    await conn.write(new TextEncoder().encode(lie === "changes" ? message.toUpperCase() : message));
  }
  conn.close();
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
console.log(`listening ${listener.addr.port}`);
for await (const conn of listener) serve(conn).catch(() => conn.close()); // the client has seen enough
