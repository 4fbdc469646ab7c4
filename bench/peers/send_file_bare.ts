// Bare Deno: sends the file that a client names, with a plain loop and a buffer of 1 MiB, as fast as a loop
// gets.
// deno-lint-ignore-file no-console

const buffer = new Uint8Array(1_048_576);

async function serve(conn: Deno.TcpConn): Promise<void> {
  const n = await conn.read(buffer);
  using file = await Deno.open(new TextDecoder().decode(buffer.subarray(0, n!)).trim());
  for (let n; (n = await file.read(buffer)) !== null;) {
    for (let sent = 0; sent < n;) sent += await conn.write(buffer.subarray(sent, n));
  }
  conn.close();
}

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
console.log(`listening ${listener.addr.port}`);
for (;;) await serve(await listener.accept());
