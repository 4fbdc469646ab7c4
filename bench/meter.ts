/** What the operating system says a process has used. Linux tells it in files; elsewhere the answer is `null`. */

/** Processor time used by a process since it started, in seconds. */
export interface Usage {
  /** Time on a core, in user and kernel mode, all threads together. */
  readonly cpu: number;
  /** Time its main thread was ready to run and had no core: more than a little means that the machine is busy. */
  readonly waited: number;
}

const TICKS_PER_SECOND = 100; // USER_HZ, fixed by the Linux ABI

/** Reads what a process has used so far; `null` also when it has just ended. */
export function readUsage(pid: number): Usage | null {
  if (Deno.build.os !== "linux") return null;
  try {
    return { cpu: readCpu(pid), waited: readWaited(pid) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function readCpu(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The name, in parentheses, may hold spaces; user and system time are the 12th and 13th fields after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident memory of a process in kilobytes. */
export function readResidentKilobytes(pid: number): number | null {
  if (Deno.build.os !== "linux") return null;
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN);
}

function readWaited(pid: number): number {
  try {
    return Number(Deno.readTextFileSync(`/proc/${pid}/schedstat`).split(" ")[1]) / 1e9;
  } catch {
    return 0; // a kernel built without scheduler statistics
  }
}
