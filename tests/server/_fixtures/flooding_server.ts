/** Sends 100 MB to every client, and says how much memory that took. */
import { TcpServer } from "../../../mod.ts";

const piece = new Uint8Array(65_536);
const before = Deno.memoryUsage().rss;
let most = before;
const server = new TcpServer(async (conn) => {
  const timer = setInterval(() => most = Math.max(most, Deno.memoryUsage().rss), 5);
  try {
    for (let sent = 0; sent < 100_000_000; sent += piece.length) await conn.sendAll(piece);
  } finally {
    clearInterval(timer);
  }
}, {
  writeTimeout: 300,
  observers: [{
    closed: ({ connection, reason }) =>
      console.log(`closed: ${reason}, ${connection.bytesOut} bytes out, ${most - before} bytes of memory`),
  }],
});
await server.listen();
console.log(`listening on tcp://127.0.0.1:${server.addr.port}`);
await server.serveForever();
