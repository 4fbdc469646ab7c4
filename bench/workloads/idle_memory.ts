/** Memory of idle connections: of those that have not said a word yet, and after one exchange on each. */

import { contest, type Turn } from "../contest.ts";
import { readReport } from "../generator.ts";
import type { Server } from "../server.ts";
import type { Sample } from "../workload.ts";

const CONNECTIONS = 5000;
const SETTLE_MS = 1000; // the collector has been by then

async function measure({ generator, server }: Turn): Promise<Sample> {
  const before = await settledKilobytes(server);
  await using clients = generator.start("idle", server, [CONNECTIONS]);
  await readReport(clients);
  const silent = await settledKilobytes(server);
  await clients.tell("exchange");
  await readReport(clients);
  const exchanged = await settledKilobytes(server);
  return { figures: { silent: perConnection(before, silent), exchanged: perConnection(before, exchanged) } };
}

async function settledKilobytes(server: Server): Promise<number | null> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return server.residentKilobytes();
}

function perConnection(before: number | null, after: number | null): number | null {
  return before === null || after === null ? null : (after - before) / CONNECTIONS;
}

export default contest({
  name: "idle_memory",
  title: "Idle memory",
  service: "echo",
  cases: [{
    title: `kilobytes per connection, ${CONNECTIONS} connections`,
    columns: [
      { key: "silent", title: "KB, silent", digits: 2 },
      { key: "exchanged", title: "KB, after an exchange", digits: 2 },
    ],
    leading: "silent",
    timeless: true,
    promise: { of: "ratio", atMost: 1.3, margin: 0.3 },
    check: ["kit_function"],
    roundsFactor: 0.6, // memory is not noisy
    wanted: [
      "kit_function",
      "kit_stream_handler",
      "kit_protocol",
      "bare_64k",
      "node_net",
      "python_asyncio",
      "python_threading",
      "go",
      "c_epoll",
    ],
    plots: [{
      kind: "bars",
      name: "idle_memory",
      title: `Memory of an idle connection, ${CONNECTIONS} at a time`,
      columns: ["silent", "exchanged"],
      ratioOf: "silent",
    }],
    measure,
  }],
});
