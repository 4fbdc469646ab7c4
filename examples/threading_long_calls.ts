// S4: long connections side by side, a thread for each. The handler sleeps as a Python handler does, and blocks its whole
// thread with that: nobody else notices.
//
//   deno run --allow-net=127.0.0.1 --allow-read=. examples/threading_long_calls.ts
//   deno run --allow-net=127.0.0.1 cli.ts connect tcp://127.0.0.1:8015
//
// Enter 10 in one shell, and something else in another. A handler that waits with `await` needs no thread of its own.
import { type Connection, formatAddr, ThreadingTcpServer } from "@switchboard/kit";
import { portFromArgs } from "./_port.ts";

/** What of this program runs on the threads. */
export default async function sleeper(conn: Connection): Promise<void> {
  await conn.sendAll("How many seconds do I sleep?\n");
  for await (const line of conn.lines()) {
    sleep(Math.min(Number(line) || 0, 60));
    await conn.sendAll(`slept ${line}\n`);
  }
}

/** Python's `time.sleep`. */
function sleep(seconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1_000);
}

if (import.meta.main) {
  const server = new ThreadingTcpServer(import.meta.url, {
    port: portFromArgs(8015),
    workers: 2, // that are ready for the next clients
    recycleAfter: 1, // a thread for each client
    maxChildren: 100,
    heartbeatTimeout: 90_000, // who sleeps longer is taken for dead
  });
  await server.listen();
  console.log(`listening on ${formatAddr(server.addr)}`);
  await server.serveForever();
}
