// Bare Deno, the loop that every ratio refers to: accept, read, write all, with a buffer of 1 KiB that grows
// when a read fills it.
// deno-lint-ignore-file no-console

const SMALLEST = 1024;
const LARGEST = 65536;

async function echo(conn: Deno.TcpConn): Promise<void> {
  let buffer = new Uint8Array(SMALLEST);
  try {
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) break;
      for (let sent = 0; sent < count;) sent += await conn.write(buffer.subarray(sent, count));
      if (count === buffer.length && count < LARGEST) buffer = new Uint8Array(Math.min(LARGEST, count * 4));
    }
  } catch {
    // The peer has reset the connection: it wants no answer.
  }
  conn.close();
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 4096 });
console.log(`listening ${listener.addr.port}`);
for (;;) {
  try {
    const conn = await listener.accept();
    conn.setNoDelay();
    echo(conn);
  } catch {
    // The peer was gone before it was accepted; the next one is served.
  }
}
