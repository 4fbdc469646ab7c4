/** What the operating system says a process has used. Linux tells it in files; elsewhere the answer is `null`. */

import { cpuClock } from "./_cpu_clock.ts";

/** Processor time used by a process and its children since they started, in seconds. */
export interface Usage {
  /** Time on a core, in user and kernel mode: all threads, all children, and those that have ended. */
  readonly cpu: number;
  /** Time it was ready to run and had no core: more than a little means that the machine is busy. */
  readonly waited: number;
}

/** A line of `/proc/PID/stat`. */
interface Stat {
  readonly pid: number;
  readonly parent: number;
  /** Seconds on a core. */
  readonly own: number;
  /** Seconds of children that have ended and were waited for. */
  readonly ended: number;
}

const TICKS_PER_SECOND = 100; // USER_HZ, fixed by the Linux ABI

/**
 * Reads what a process and its children have used so far; `null` also when it has just ended. What has waited is its main
 * thread, or every thread of all of them.
 */
export function readUsage(pid: number, whoWaits: "main" | "all" = "main"): Usage | null {
  if (Deno.build.os !== "linux") return null;
  const stats = familyOf(pid);
  if (stats.length === 0) return null;
  const cpu = stats.reduce((sum, { pid, own, ended }) => sum + (cpuClock(pid) ?? own) + ended, 0);
  const waiting = whoWaits === "main" ? [`${pid}`] : stats.flatMap(({ pid }) => threadsOf(pid));
  return { cpu, waited: waiting.reduce((sum, thread) => sum + readWaited(thread), 0) };
}

/** Resident memory of a process in kilobytes. */
export function readResidentKilobytes(pid: number): number | null {
  if (Deno.build.os !== "linux") return null;
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN);
}

/**
 * Memory of a process and its children in kilobytes. A page that several of them have in common counts once, in equal
 * parts; processes that were forked, or run the same program, share most of theirs.
 */
export function readFamilyKilobytes(pid: number): number | null {
  if (Deno.build.os !== "linux") return null;
  return familyOf(pid).reduce((sum, { pid }) => sum + readProportionalKilobytes(pid), 0);
}

/** The processes that a process has started and that still run, and theirs. */
export function childrenOf(pid: number): number[] {
  if (Deno.build.os !== "linux") return [];
  return familyOf(pid).map((stat) => stat.pid).filter((member) => member !== pid);
}

function familyOf(pid: number): Stat[] {
  const all = [...Deno.readDirSync("/proc")]
    .map(({ name }) => readStat(Number(name)))
    .filter((stat) => stat !== null);
  const family = all.filter((stat) => stat.pid === pid);
  for (const member of family) family.push(...all.filter(({ parent }) => parent === member.pid));
  return family;
}

function readStat(pid: number): Stat | null {
  if (Number.isNaN(pid)) return null;
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The name, in parentheses, may hold spaces. After it: state, parent, …, user and system time of the process
    // (12th and 13th), and of its children (14th and 15th).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ").map(Number);
    return {
      pid,
      parent: fields[1],
      own: (fields[11] + fields[12]) / TICKS_PER_SECOND,
      ended: (fields[13] + fields[14]) / TICKS_PER_SECOND,
    };
  } catch {
    return null; // it has ended
  }
}

function readProportionalKilobytes(pid: number): number {
  try {
    const rollup = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
    return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0);
  } catch {
    return 0; // it has ended
  }
}

function threadsOf(pid: number): string[] {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => `${pid}/task/${name}`);
  } catch {
    return []; // it has ended
  }
}

function readWaited(thread: string): number {
  try {
    return Number(Deno.readTextFileSync(`/proc/${thread}/schedstat`).split(" ")[1]) / 1e9;
  } catch {
    return 0; // a kernel built without scheduler statistics
  }
}
