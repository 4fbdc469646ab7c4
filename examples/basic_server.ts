// S1, the first server of the course: one client at a time, receive once, answer a fixed sentence, close.
//
//   deno run --allow-net=127.0.0.1 examples/basic_server.ts
//   deno run --allow-net=127.0.0.1 examples/basic_client.ts
import { formatAddr, TcpServer } from "@switchboard/kit";
import { portFromArgs } from "./_port.ts";

const decoder = new TextDecoder();

const server = new TcpServer(async (conn) => {
  const bytes = await conn.recv();
  if (bytes === null) return; // the client left without a word
  console.log(`received: ${decoder.decode(bytes)}`);
  await conn.sendAll("Hello, I have received your message.");
}, { port: portFromArgs(8000), concurrency: 1 });

await server.listen();
console.log(`listening on ${formatAddr(server.addr)}`);
await server.serveForever();
