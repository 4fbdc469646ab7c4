// Stopping without cutting anybody off: Ctrl-C (or SIGTERM) stops accepting, lets every request that is being answered
// end, and closes what is left after ten seconds.
//
//   deno run --allow-net=127.0.0.1 examples/graceful_shutdown.ts
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8006
import { type Connection, formatAddr, TcpServer } from "@switchboard/kit";
import { portFromArgs } from "./_port.ts";

/** Counts to the number in each line, slowly: something worth waiting for. */
async function count(conn: Connection): Promise<void> {
  for await (const line of conn.lines()) {
    const end = Math.min(Number(line) || 0, 50);
    for (let n = 1; n <= end; n++) {
      await conn.sendAll(`${n}\n`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await conn.sendAll("done\n");
  }
}

const server = new TcpServer(count, { port: portFromArgs(8006) });
await server.listen();
console.log(`listening on ${formatAddr(server.addr)}`);
const serving = server.serveForever();

const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];

async function stop(): Promise<void> {
  for (const signal of signals) Deno.removeSignalListener(signal, stop); // a second one ends the process
  console.log(`draining ${server.connections.size} connections`);
  await server.shutdown({ signal: AbortSignal.timeout(10_000) });
}
for (const signal of signals) Deno.addSignalListener(signal, stop);

await serving;
console.log(`served ${server.stats.accepted} connections`);
