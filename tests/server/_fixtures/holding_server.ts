/** Greets every client, waits for it to leave, and says how accepting fails. */
import { TcpServer } from "../../../mod.ts";

const server = new TcpServer(async (conn) => {
  await conn.sendAll("hello\n");
  while (await conn.recv());
}, {
  observers: [{
    acceptFailed: ({ kind, delay }) => console.log(`accept failed: ${kind}, again in ${delay} ms`),
    error: ({ error }) => console.log(`error: ${error}`),
  }],
});
await server.listen();
console.log(`listening on tcp://127.0.0.1:${server.addr.port}`);
await server.serveForever();
