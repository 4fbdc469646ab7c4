// S6 as the course's ThreadingTCPServer: callers are served side by side, here by one thread and its event loop.
//
//   deno run --allow-net=127.0.0.1 examples/operator_concurrent.ts
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8002
//
// As a one-liner: deno run --allow-net=127.0.0.1 cli.ts serve operator --tcp 127.0.0.1:8002
import { formatAddr, TcpServer } from "@switchboard/kit";
import operator from "@switchboard/kit/handlers/operator";
import { portFromArgs } from "./_port.ts";

const server = new TcpServer(operator, {
  port: portFromArgs(8002),
  maxConnections: 100,
  idleTimeout: 300_000,
});
server.observe({
  opened: ({ connection }) => console.log(`call ${connection.id} from ${formatAddr(connection.remoteAddr)}`),
  closed: ({ connection, reason }) => console.log(`call ${connection.id} over: ${reason}`),
});
await server.listen();
console.log(`listening on ${formatAddr(server.addr)}`);
await server.serveForever();
