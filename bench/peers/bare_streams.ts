// Bare Deno with its streams: what comes is piped back.
// deno-lint-ignore-file no-console

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 4096 });
console.log(`listening ${listener.addr.port}`);
for (;;) {
  try {
    const conn = await listener.accept();
    conn.setNoDelay();
    conn.readable.pipeTo(conn.writable).catch(() => {}); // the peer has reset the connection
  } catch {
    // The peer was gone before it was accepted; the next one is served.
  }
}
