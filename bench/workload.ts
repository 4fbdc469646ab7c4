/** The words that workloads, the run and its reports have in common. */

import type { Contender, Service } from "./contender.ts";
import type { Generator } from "./generator.ts";
import type { Spread } from "./statistics.ts";
import type { Workshop } from "./workshop.ts";

/** A kind of work that is measured; one file in `workloads/` each. */
export interface Workload {
  /** As on the command line and in JSON. */
  readonly name: string;
  readonly title: string;
  run(bench: Bench): Promise<Report>;
}

/** What a workload is given to measure with. */
export interface Bench {
  /** Length of a measured window, in seconds. */
  readonly seconds: number;
  /** How often every contender has its turn. */
  readonly rounds: number;
  /** Only what the quick gate needs. */
  readonly check: boolean;
  readonly generator: Generator;
  readonly workshop: Workshop;
  /** Who takes part, the bare one first. */
  contenders(service: Service): readonly Contender[];
}

/** What a workload found. */
export interface Report {
  readonly workload: string;
  readonly title: string;
  readonly tables: readonly Table[];
  /** Who could not take part, and how to change that. */
  readonly missing: readonly string[];
}

/** The comparison of one case of a workload, for instance one message size. */
export interface Table {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly notes: readonly string[];
}

/** A figure that every contender has in a table. */
export interface Column {
  /** Where a sample has it. */
  readonly key: string;
  readonly title: string;
  readonly digits: number;
}

/** A contender's line in a table. */
export interface Row {
  readonly name: string;
  readonly title: string;
  /** One for every round. */
  readonly samples: readonly Sample[];
  /** Median of each figure over the rounds. */
  readonly figures: Figures;
  /** The leading figure divided by the bare one's in the same round. */
  readonly ratio: Spread | null;
  /** The bare one's CPU time per operation divided by this one's: like a throughput, more is better. */
  readonly cpuRatio: Spread | null;
  readonly verdict: Verdict | null;
  /** Why it has no figures: a wrong or lost reply, or a server that did not start. */
  readonly failure: string | null;
}

/** Named figures; `null` where this system cannot tell. */
export type Figures = Readonly<Record<string, number | null>>;

/** What one turn of one contender brought. */
export interface Sample {
  readonly figures: Figures;
  /** What kept the cores busy during the window, where a generator put the server under load. */
  readonly shares?: Shares;
}

/** Shares of one core, 1 being all of it; `null` where this system cannot tell. */
export interface Shares {
  readonly server: number | null;
  readonly generator: number | null;
  /** How long the server's main thread was ready to run and had no core. */
  readonly serverWaited: number | null;
  readonly generatorWaited: number | null;
}

/** What the kit promises of the leading figure, itself or as a ratio to bare Deno. */
export interface Bound {
  readonly of: "ratio" | "value";
  readonly atLeast?: number;
  readonly atMost?: number;
  /** By which share it may be missed before the quick gate fails; short runs on shared machines are noisy. */
  readonly margin: number;
}

/** Whether a promise was kept. */
export interface Verdict {
  readonly outcome: "reached" | "unclear" | "missed" | "not measured";
  /** The promise, what it was judged by and the outcome, in a few words. */
  readonly text: string;
  /** By which share of the bound it was missed; 0 when it was not. */
  readonly shortfall: number;
  readonly margin: number;
}
