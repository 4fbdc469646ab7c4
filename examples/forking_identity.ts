// S5: a process for each client, as a forking server has it. Every client is told which process serves it; no two are told
// the same. A process or two are kept ready, so that no client waits for one to start.
//
//   deno run --allow-net=127.0.0.1 --allow-read=. --allow-env --allow-run examples/forking_identity.ts
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8014
import { type Connection, ForkingTcpServer, formatAddr } from "@switchboard/kit";
import { portFromArgs } from "./_port.ts";

/** What of this program runs in the processes. */
export default async function identity(conn: Connection): Promise<void> {
  await conn.sendAll(`process ${Deno.pid} is here for you alone\n`);
  for await (const line of conn.lines()) await conn.sendAll(`${Deno.pid}: ${line}\n`);
}

if (import.meta.main) {
  const server = new ForkingTcpServer(import.meta.url, {
    port: portFromArgs(8014),
    processes: 2, // that are ready for the next clients
    recycleAfter: 1, // a process serves one client, and ends
    maxChildren: 40, // whoever comes then waits until one has ended
  });
  await server.listen();
  console.log(`listening on ${formatAddr(server.addr)} from process ${Deno.pid}`);
  await server.serveForever();
}
