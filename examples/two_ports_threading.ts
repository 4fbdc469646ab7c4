// S12 with a thread for each client: one loop accepts at two listening ports, and gives each client to a thread of its own.
//
//   deno run --allow-net=127.0.0.1 --allow-read=. examples/two_ports_threading.ts
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8020
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8021
import { type Connection, formatAddr, ThreadingTcpServer } from "@switchboard/kit";
import { threadId } from "node:worker_threads";
import { portFromArgs } from "./_port.ts";

/** What of this program runs on the threads. */
export default async function greeter(conn: Connection): Promise<void> {
  const { port } = conn.localAddr as Deno.NetAddr;
  await conn.sendAll(`welcome to port ${port}, this is thread ${threadId}\n`);
  for await (const line of conn.lines()) await conn.sendAll(`${port}: ${line}\n`);
}

if (import.meta.main) {
  const first = portFromArgs(8020);
  const servers = [first, first && first + 1].map((port) =>
    new ThreadingTcpServer(import.meta.url, {
      port,
      workers: 1, // that is ready for the next client of its port
      recycleAfter: 1,
      mechanism: "relay", // accepting is done here
    })
  );
  for (const server of servers) {
    await server.listen();
    console.log(`listening on ${formatAddr(server.addr)}`);
  }
  await Promise.all(servers.map((server) => server.serveForever()));
}
