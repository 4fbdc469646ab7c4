/**
 * A benchmark in small: its generator, its liars, and samples made by hand.
 *
 * @module
 */
import type { Contender } from "../../bench/contender.ts";
import { Generator, type Language } from "../../bench/generator.ts";
import type { Row, Sample, Shares, Table } from "../../bench/workload.ts";
import { Workshop } from "../../bench/workshop.ts";
import { isInstalled } from "../_support/command.ts";

/** The languages of the generators that this machine can have. */
export const LANGUAGES: readonly { language: Language; ignore: boolean }[] = [
  { language: "c", ignore: Deno.build.os !== "linux" || !isInstalled("cc") },
  { language: "typescript", ignore: false },
];

/** A server that lies in some way. */
export function liar(lie: string, group: Contender["group"] = "peer"): Contender {
  const path = new URL("_fixtures/liar.ts", import.meta.url).href;
  const command = { program: Deno.execPath(), args: ["run", "--quiet", "--allow-net=127.0.0.1", path, lie] };
  return { name: lie, title: lie, service: "lines", group, command: () => Promise.resolve(command) };
}

/** A workshop and a generator, for the length of a test. */
export async function withGenerator(
  language: Language,
  use: (generator: Generator, workshop: Workshop) => Promise<void>,
): Promise<void> {
  using workshop = await Workshop.open();
  await use(await Generator.prepare(workshop, language), workshop);
}

/** A turn in which one server had a core for itself, and all the work it could do. */
export function sample(figures: Sample["figures"], shares: Partial<Shares> = {}): Sample {
  const full = { server: 1, serverWaited: 0, serverCores: 1, generator: 0.5, generatorWaited: 0, ...shares };
  return { figures, shares: full };
}

/** The turn of a round, with the distance between the machine's cores before and after it. */
export function turnAt(round: number, before: number, after = before, rate = 100): Sample {
  return { ...sample({ rate, cpu: 5 }), round, coreDistance: [before, after] };
}

/** A contender's line. */
export function row(name: string, rate: number | null, more: Partial<Row> = {}): Row {
  return {
    name,
    title: name,
    group: "peer",
    samples: rate === null ? [] : [{ figures: { rate } }],
    figures: { rate },
    ratio: null,
    cpuRatio: null,
    verdict: null,
    failure: null,
    ...more,
  };
}

/** A table of requests a second. */
export function table(rows: readonly Row[]): Table {
  const columns = [{ key: "rate", title: "requests/s", digits: 0 }];
  return { title: "64 bytes", columns, rows, notes: [], plots: [] };
}
