// S6 as a server in processes: what one operator does, or dies of, concerns no caller of another. Kill a process, and a
// new one takes its place.
//
//   deno run --allow-net=127.0.0.1 --allow-env --allow-run examples/operator_forking.ts
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8013
//
// The processes may do nothing but speak to their callers; the one that starts them has to be allowed to run Deno.
import { ForkingTcpServer, formatAddr, resolveHandler } from "@switchboard/kit";
import { portFromArgs } from "./_port.ts";

const server = new ForkingTcpServer(await resolveHandler("operator"), {
  port: portFromArgs(8013),
  processes: 2,
  permissions: {},
  maxConnections: 100, // in all processes together
  idleTimeout: 300_000,
});
server.observe({
  opened: ({ connection }) => console.log(`call ${connection.id} from ${formatAddr(connection.remoteAddr)}`),
  closed: ({ connection, reason }) => console.log(`call ${connection.id} over: ${reason}`),
  error: ({ error }) => console.log((error as Error).message),
});
await server.listen();
console.log(`listening on ${formatAddr(server.addr)}, with 2 processes (${server.mechanism})`);
await server.serveForever();
