/** Everything that was measured, as JSON, with the machine it was measured on. */

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

/** Makes the record of a run that has just ended. */
export async function makeRecord(
  reports: readonly Report[],
  { seconds, rounds }: Options,
  generator: string,
): Promise<Record> {
  const date = new Date().toISOString();
  return { date, machine: await describeMachine(), seconds, rounds, generator, reports };
}

/** Writes a record to a file, every sample of every round included. */
export async function writeRecord(path: string, record: Record): Promise<void> {
  await Deno.writeTextFile(path, JSON.stringify(record, null, 2) + "\n");
}

/** Reads a record that was written. */
export async function readRecord(path: string): Promise<Record> {
  return JSON.parse(await Deno.readTextFile(path));
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

async function describeMachine(): Promise<Machine> {
  return {
    os: Deno.build.os,
    kernel: Deno.osRelease(),
    arch: Deno.build.arch,
    processor: await processorName(),
    cores: navigator.hardwareConcurrency,
    memoryMegabytes: Math.round(Deno.systemMemoryInfo().total / 1e6),
    deno: Deno.version.deno,
    v8: Deno.version.v8,
  };
}

async function processorName(): Promise<string | null> {
  try {
    return /^model name\s*:\s*(.+)$/m.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1] ?? null;
  } catch {
    return null; // only Linux tells it in a file
  }
}
