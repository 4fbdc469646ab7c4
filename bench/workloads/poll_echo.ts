/** Echo through one poll loop, beside the bare loop and Python's selectors. */

import { type Case, contest } from "../contest.ts";
import { CPU, P50, P99, P999, rateOf, SLOWEST } from "./columns.ts";

function exchange(connections: number, more: Partial<Case> = {}): Case {
  return {
    title: `64 bytes, ${connections} connections`,
    columns: [rateOf("requests"), CPU, P50, P99, P999, SLOWEST],
    leading: "rate",
    promise: { of: "ratio", atLeast: 0.9, margin: 0.15 },
    measure: ({ generator, server, ...lengths }) =>
      generator.load("echo", server, [connections, 64, 1], lengths),
    ...more,
  };
}

export default contest({
  name: "poll_echo",
  title: "Echo through a poller",
  service: "poll_echo",
  cases: [exchange(64, { check: ["kit_poller"] }), exchange(1000)],
});
