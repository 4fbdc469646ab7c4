/** The figures of a window under load that several workloads show. */

import type { Column } from "../workload.ts";

/** CPU time of the server per operation. */
export const CPU: Column = { key: "cpu", title: "CPU µs", digits: 1 };
export const P50: Column = { key: "p50", title: "p50 µs", digits: 0 };
export const P99: Column = { key: "p99", title: "p99 µs", digits: 0 };
export const P999: Column = { key: "p999", title: "p99.9 µs", digits: 0 };
/** The longest wait of any operation, those still due at the end of the window included. */
export const SLOWEST: Column = { key: "slowest", title: "slowest ms", digits: 1 };

/** Operations per second, under the name that they have in a workload. */
export function rateOf(operations: string): Column {
  return { key: "rate", title: `${operations}/s`, digits: 0 };
}
