// Bare Deno with the buffer that most examples have: 64 KiB for every connection, for as long as it lasts.
// deno-lint-ignore-file no-console

async function echo(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(65536);
  try {
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) break;
      for (let sent = 0; sent < count;) sent += await conn.write(buffer.subarray(sent, count));
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
