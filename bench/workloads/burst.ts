/**
 * A burst: thousands of clients connect at the same moment, then each sends 16 bytes and waits for them. The server has
 * been in use for a moment: one whose code is not yet compiled may take them so slowly that the kernel's queue is full,
 * and whoever finds it full comes back a second later.
 */

import { contest, type Turn } from "../contest.ts";
import { readReport, type StepReport } from "../generator.ts";
import type { Sample } from "../workload.ts";
import { rateOf } from "./columns.ts";

const CONNECTS = 6000;
const [EARLIER_CLIENTS, EARLIER_SECONDS] = [64, 1];

async function measure({ generator, server }: Turn): Promise<Sample> {
  await generator.load("connect", server, [EARLIER_CLIENTS], { warmup: 0, seconds: EARLIER_SECONDS });
  await using clients = generator.start("idle", server, [CONNECTS]);
  const connected: StepReport = await readReport(clients);
  await clients.tell("exchange");
  const exchanged: StepReport = await readReport(clients);
  return {
    figures: {
      rate: connected.operations / connected.seconds,
      exchange: exchanged.seconds * 1000,
    },
  };
}

export default contest({
  name: "burst",
  title: "Burst",
  service: "echo",
  cases: [{
    title: `${CONNECTS} connects at once`,
    columns: [rateOf("connects"), { key: "exchange", title: "then one reply each, ms", digits: 0 }],
    leading: "rate",
    promise: { of: "value", atLeast: 40_000, margin: 0.6 },
    check: ["kit_function"],
    wanted: ["kit_function", "kit_stream_handler", "node_net", "python_asyncio", "go", "c_epoll"],
    measure,
  }],
});
