// Bare Deno: answers each line with the same in capitals, a chunk of lines with one write.
// deno-lint-ignore-file no-console

const encoder = new TextEncoder();

async function serve(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(16_384);
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (let n; (n = await conn.read(buffer)) !== null;) {
      const lines = (rest + decoder.decode(buffer.subarray(0, n), { stream: true })).split("\n");
      rest = lines.pop()!;
      let replies = "";
      for (const line of lines) replies += `${line.toUpperCase()}\n`;
      const bytes = encoder.encode(replies);
      for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
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
