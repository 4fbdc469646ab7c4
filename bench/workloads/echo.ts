/** Echo on lasting connections: one request and its reply after another, on every connection at the same time. */

import { type Case, contest } from "../contest.ts";
import type { Bound } from "../workload.ts";
import { CPU, P50, P99, P999, rateOf, SLOWEST } from "./columns.ts";

const PROMISE: Bound = { of: "ratio", atLeast: 0.95, margin: 0.15 };
const DEPTH = 1; // requests in flight on each connection

function exchange(size: number, connections: number, more: Partial<Case> = {}): Case {
  return {
    title: `${size} bytes, ${connections} connection${connections === 1 ? "" : "s"}`,
    columns: [rateOf("requests"), CPU, P50, P99, P999, SLOWEST],
    leading: "rate",
    measure: ({ generator, server, ...lengths }) =>
      generator.load("echo", server, [connections, size, DEPTH], lengths),
    ...more,
  };
}

export default contest({
  name: "echo",
  title: "Echo",
  service: "echo",
  cases: [
    exchange(64, 1, { promise: PROMISE }),
    exchange(64, 64, { promise: PROMISE, check: ["kit_function", "kit_iteration", "kit_stream_handler"] }),
    exchange(64, 1000, { promise: PROMISE }),
    exchange(4096, 64),
    exchange(65536, 64),
  ],
});
