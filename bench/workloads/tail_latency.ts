/** Tail latency: how long the unlucky wait when a thousand connections ask at the same time. */

import { contest } from "../contest.ts";
import { CPU, P50, P99, P999, rateOf, SLOWEST } from "./columns.ts";

const CONNECTIONS = 1000;
const SIZE = 64;
const DEPTH = 1;
const CLOSED = 0;

export default contest({
  name: "tail_latency",
  title: "Tail latency",
  service: "echo",
  cases: [{
    title: `p99 of ${SIZE} bytes, ${CONNECTIONS} connections`,
    columns: [P50, P99, P999, SLOWEST, rateOf("requests"), CPU],
    leading: "p99",
    promise: { of: "ratio", atMost: 1, margin: 4 },
    check: ["kit_function"],
    roundsFactor: 2,
    wanted: ["kit_function", "kit_iteration", "kit_stream_handler"],
    plots: [{
      kind: "percentiles",
      name: "tail_latency",
      title: `Echo of ${SIZE} bytes, ${CONNECTIONS} connections that all ask at once`,
    }],
    measure: ({ generator, server, ...lengths }) =>
      generator.load("exchange", server, [CONNECTIONS, DEPTH, SIZE, CLOSED], lengths),
  }],
});
