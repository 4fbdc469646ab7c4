/**
 * Echo on lasting connections: one request and its reply after another, on every connection at the same time. Messages of
 * 64 bytes on 64 connections are everybody's; the other sizes and numbers are for some of each kind.
 */

import { type Case, contest } from "../contest.ts";
import type { Bound } from "../workload.ts";
import { CPU, P50, P99, P999, rateOf, SLOWEST } from "./columns.ts";

const PROMISE: Bound = { of: "ratio", atLeast: 0.95, margin: 0.15 };
const PROMISES: Readonly<Record<string, Bound>> = {
  kit_function: PROMISE,
  kit_iteration: PROMISE,
  kit_stream_handler: PROMISE,
  kit_poller: { of: "ratio", atLeast: 0.9, margin: 0.15 },
  kit_reactor: { of: "ratio", atLeast: 0.85, margin: 0.15 },
};
const PROMISED = ["kit_function", "kit_iteration", "kit_stream_handler", "kit_poller"];
const SOME_PEERS = ["node_net", "python_asyncio", "go", "c_epoll"];
const DEPTH = 1; // requests in flight on each connection
const CLOSED = 0; // no rate: the next request goes when the reply has come

function exchange(size: number, connections: number, more: Partial<Case> = {}): Case {
  const length = size < 1024 ? `${size} bytes` : `${size / 1024} KiB`;
  return {
    title: `${length}, ${connections} connection${connections === 1 ? "" : "s"}`,
    columns: [rateOf("requests"), CPU, P50, P99, P999, SLOWEST],
    leading: "rate",
    wanted: ["kit_function", "kit_copy_to", "kit_stream_handler", "bare_64k", "node_net", "c_epoll"],
    measure: ({ generator, server, ...lengths }) =>
      generator.load("exchange", server, [connections, DEPTH, size, CLOSED], lengths),
    ...more,
  };
}

export default contest({
  name: "echo",
  title: "Echo",
  service: "echo",
  cases: [
    exchange(64, 64, {
      promises: PROMISES,
      wanted: undefined,
      check: [...PROMISED, "kit_reactor"],
    }),
    exchange(64, 1, { promises: PROMISES, wanted: [...PROMISED.slice(0, 3), ...SOME_PEERS] }),
    exchange(64, 1000, {
      promises: PROMISES,
      check: ["kit_poller"],
      wanted: [...PROMISED, "python_selectors", "python_threading", ...SOME_PEERS],
    }),
    ...[4096, 65536].flatMap((size) => [1, 64, 1000].map((connections) => exchange(size, connections))),
  ],
});
