// S6 as a server on threads: callers are spread over two of them, and none waits for what the other thread is doing.
//
//   deno run --allow-net=127.0.0.1 --allow-read=. examples/operator_threading.ts
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8012
//
// As a one-liner: deno run --allow-net=127.0.0.1 --allow-read=. cli.ts serve operator --tcp 127.0.0.1:8012 --workers 2
import { formatAddr, resolveHandler, ThreadingTcpServer } from "@switchboard/kit";
import { portFromArgs } from "./_port.ts";

// A handler for threads is a module, as a function cannot be sent to them.
const server = new ThreadingTcpServer(await resolveHandler("operator"), {
  port: portFromArgs(8012),
  workers: 2,
  maxConnections: 100, // on all threads together
  idleTimeout: 300_000,
});
server.observe({
  opened: ({ connection }) => console.log(`call ${connection.id} from ${formatAddr(connection.remoteAddr)}`),
  closed: ({ connection, reason }) => console.log(`call ${connection.id} over: ${reason}`),
});
await server.listen();
console.log(`listening on ${formatAddr(server.addr)}, with 2 threads (${server.mechanism})`);
await server.serveForever();
