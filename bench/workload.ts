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
  /** The titles of its cases, or a part of each that is known beforehand; none if it can only run as a whole. */
  readonly cases?: readonly string[];
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
  /** Whether a case is asked for, by its title. */
  wantsCase(title: string): boolean;
  readonly generator: Generator;
  readonly workshop: Workshop;
  /** How far apart the machine's cores are now, in nanoseconds there and back; `null` where nobody can tell. */
  probeCores(): number | null;
  /** Who takes part, the bare one first; of those a case wants, or those that the command line names. */
  contenders(service: Service, wanted?: readonly string[]): readonly Contender[];
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
  /** How to draw it. */
  readonly plots: readonly Plot[];
}

/** A drawing of a table, `name.svg`. */
export type Plot = BarPlot | PercentilePlot | CostPlot;

/** A bar for each row, in one panel for each column. */
export interface BarPlot {
  readonly kind: "bars";
  readonly name: string;
  /** What was done, in a few words. */
  readonly title: string;
  /** Keys of the columns; rows are in the order of the first. */
  readonly columns: readonly string[];
  /** Which of them the rows' ratios are about, if any. */
  readonly ratioOf?: string;
  /** Names of the rows, if not all of them. */
  readonly rows?: readonly string[];
}

/** Latency against the share of operations that were no slower. */
export interface PercentilePlot {
  readonly kind: "percentiles";
  readonly name: string;
  readonly title: string;
}

/** A figure against a number of things, each in a column of its own. */
export interface CostPlot {
  readonly kind: "costs";
  readonly name: string;
  readonly title: string;
  /** What the numbers count. */
  readonly across: string;
  readonly points: readonly { readonly column: string; readonly at: number }[];
}

/** A figure that every contender has in a table. */
export interface Column {
  /** Where a sample has it. */
  readonly key: string;
  readonly title: string;
  readonly digits: number;
  /** Which direction is good. @default "more" for a `rate`, "less" for everything else */
  readonly better?: "more" | "less";
}

/** A contender's line in a table. */
export interface Row {
  readonly name: string;
  readonly title: string;
  /** Drawings show the kit, what it is compared with, and all others in colours of their own. */
  readonly group: Contender["group"];
  /** One for every round that it took part in. */
  readonly samples: readonly Sample[];
  /** Median of each figure over the rounds that are not set aside. */
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
  /** Latencies in µs at the `CURVE_SHARES` of the generator. */
  readonly curve?: readonly number[];
  /** The round it is of, the first being 1. @default its place among the samples */
  readonly round?: number;
  /** How far apart the machine's cores were before and after the work, in nanoseconds there and back. */
  readonly coreDistance?: readonly [number, number];
  /** Set where that was not as usual, so that the figures and drawings leave this turn out. */
  readonly aside?: boolean;
}

/** Shares of one core, 1 being all of it; `null` where this system cannot tell. */
export interface Shares {
  readonly server: number | null;
  readonly generator: number | null;
  /** How long the server's main thread was ready to run and had no core; all threads of one that uses several. */
  readonly serverWaited: number | null;
  readonly generatorWaited: number | null;
  /** Cores that the server can use at the same time. */
  readonly serverCores: number;
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
