// S7: echo to many clients at once; prints who comes and who goes, and takes a hang-up and a reset in its stride.
//
//   deno run --allow-net=127.0.0.1 examples/echo_server.ts
//   deno run --allow-net=127.0.0.1 examples/echo_client.ts
import { formatAddr, TcpServer } from "@switchboard/kit";
import { portFromArgs } from "./_port.ts";

const server = new TcpServer(async (conn) => {
  for await (const chunk of conn) await conn.sendAll(chunk);
}, { port: portFromArgs(8003) });

server.observe({
  opened: ({ connection }) => console.log(`new connection from ${formatAddr(connection.remoteAddr)}`),
  closed: ({ connection, reason }) => {
    const how = reason === "peer" ? "was reset" : "hung up";
    console.log(`${formatAddr(connection.remoteAddr)} ${how} after ${connection.bytesIn} bytes`);
  },
});

await server.listen();
console.log(`listening on ${formatAddr(server.addr)}`);
await server.serveForever();
