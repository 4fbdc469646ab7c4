/** Which workloads, and which of their cases, a command line asks for. */

import type { Workload } from "./workload.ts";

/** What can be asked for. */
export type Choosable = Pick<Workload, "name" | "cases">;

/** What is asked for. */
export interface Selection {
  /** Workloads by name; all when empty. */
  readonly workloads: readonly string[];
  /** Only cases that have this in their titles, in small letters or capitals. */
  readonly case?: string;
  /** Only workloads that have a part in the quick gate. */
  readonly check?: boolean;
}

/** The workloads that measure something in the quick gate: those whose promise shows in half a second. */
export const IN_CHECK: readonly string[] = [
  "echo",
  "tail_latency",
  "short_connections",
  "burst",
  "idle_memory",
  "udp_echo",
  "cpu_bound",
  "worker_echo",
  "poll_cost",
];

/** The workloads that are asked for, in their own order; of those without a case that is asked for, none. */
export function selectWorkloads<W extends Choosable>(all: readonly W[], selection: Selection): W[] {
  const { workloads } = selection;
  const named = all.filter(({ name }) =>
    (workloads.length === 0 || workloads.includes(name)) && (!selection.check || IN_CHECK.includes(name))
  );
  if (selection.case === undefined) return named;
  return named.filter(({ cases }) => cases?.some((title) => wantsCase(selection, title)));
}

/** Whether a case is asked for, by its title. */
export function wantsCase(selection: Selection, title: string): boolean {
  return title.toLowerCase().includes((selection.case ?? "").toLowerCase());
}
