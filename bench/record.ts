/** Everything that was measured, as JSON, with the machine it was measured on. */

import type { Options } from "./options.ts";
import type { Report } from "./workload.ts";

/** Writes reports to a file, every sample of every round included. */
export async function writeRecord(
  path: string,
  reports: readonly Report[],
  options: Options,
  generator: string,
): Promise<void> {
  const { seconds, rounds } = options;
  const record = {
    date: new Date().toISOString(),
    machine: await describeMachine(),
    seconds,
    rounds,
    generator,
    reports,
  };
  await Deno.writeTextFile(path, JSON.stringify(record, null, 2) + "\n");
}

async function describeMachine(): Promise<Record<string, unknown>> {
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
