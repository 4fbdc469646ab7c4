/** Everything that was measured, as JSON, with the machine it was measured on. */

import { reasonOf, UsageError } from "./complaint.ts";
import type { Options } from "./options.ts";
import type { Report } from "./workload.ts";

/** A run, as it is kept. */
export interface Record {
  /** When it ended, in ISO 8601. */
  readonly date: string;
  readonly machine: Machine;
  readonly seconds: number;
  readonly rounds: number;
  /** The language of the generators. */
  readonly generator: string;
  readonly reports: readonly Report[];
}

/** What a run was measured on. */
export interface Machine {
  readonly os: string;
  readonly kernel: string;
  readonly arch: string;
  readonly processor: string | null;
  readonly cores: number;
  readonly memoryMegabytes: number;
  readonly deno: string;
  readonly v8: string;
}

/** Makes the record of a run that ends now. */
export function makeRecord(
  reports: readonly Report[],
  { seconds, rounds }: Pick<Options, "seconds" | "rounds">,
  generator: string,
): Record {
  const date = new Date().toISOString();
  return { date, machine: describeMachine(), seconds, rounds, generator, reports };
}

/**
 * Writes a record to a file, every sample of every round included, and each workload a line of JSON; at once, as a signal
 * leaves no time.
 */
export function writeRecord(path: string, record: Record): void {
  const { reports, ...run } = record;
  const lines = reports.map((report) => JSON.stringify(report, shortened)).join(",\n");
  Deno.writeTextFileSync(path, `${JSON.stringify(run).slice(0, -1)},"reports":[\n${lines}\n]}\n`);
}

/** Six digits say more than can be measured, and the file is kept. */
function shortened(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value;
}

/** Reads a record that was written; throws in one sentence that names the file if there is none in it. */
export async function readRecord(path: string): Promise<Record> {
  const record = parseRecord(path, await readText(path));
  if (isRecord(record)) return record;
  throw new UsageError(`--from: there is no record of a run in ${path}; --json writes one`);
}

async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new UsageError(`--from: ${path} cannot be read: ${reasonOf(error)}`);
  }
}

function parseRecord(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`--from: ${path} is not JSON; --json writes what can be read here`);
  }
}

/** What a record is made of, down to the rows: any JSON file can be named. */
function isRecord(value: unknown): value is Record {
  return hasKinds(value, { date: "string", seconds: "number", machine: "object", reports: "array" }) &&
    hasKinds(value.machine, { os: "string", kernel: "string", arch: "string", cores: "number" }) &&
    (value.reports as unknown[]).every((report) =>
      hasKinds(report, { workload: "string", title: "string", tables: "array", missing: "array" }) &&
      (report.tables as unknown[]).every(isTable)
    );
}

function isTable(value: unknown): boolean {
  return hasKinds(value, {
    title: "string",
    columns: "array",
    rows: "array",
    notes: "array",
    plots: "array",
  }) &&
    (value.rows as unknown[]).every((row) =>
      hasKinds(row, { name: "string", title: "string", samples: "array", figures: "object" })
    );
}

type Kind = "string" | "number" | "object" | "array";

/** Whether a value is an object with properties of these kinds. */
function hasKinds<K extends string>(
  value: unknown,
  kinds: { [key in K]: Kind },
): value is { [key in K]: unknown } {
  return typeof value === "object" && value !== null &&
    Object.entries(kinds).every(([key, kind]) => kindOf((value as { [key: string]: unknown })[key]) === kind);
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
}

/** The machine and the date in a line, for drawings. */
export function originOf({ machine, date, seconds }: Record): string {
  const { processor, arch, cores, os, kernel, deno } = machine;
  return [
    `${processor ?? arch}, ${cores} cores`,
    `${os === "linux" ? "Linux" : os} ${kernel.split("-")[0]}`,
    `Deno ${deno}`,
    `windows of ${seconds} s`,
    date.slice(0, 10),
  ].join("  ·  ");
}

function describeMachine(): Machine {
  return {
    os: Deno.build.os,
    kernel: Deno.osRelease(),
    arch: Deno.build.arch,
    processor: processorName(),
    cores: navigator.hardwareConcurrency,
    memoryMegabytes: Math.round(Deno.systemMemoryInfo().total / 1e6),
    deno: Deno.version.deno,
    v8: Deno.version.v8,
  };
}

function processorName(): string | null {
  try {
    return /^model name\s*:\s*(.+)$/m.exec(Deno.readTextFileSync("/proc/cpuinfo"))?.[1] ?? null;
  } catch {
    return null; // only Linux tells it in a file
  }
}
