/** One workload, measured: what it throws becomes part of its report, and a promise that fell has a second chance. */

import { findFallenPromises, hasFallen } from "./gate.ts";
import { complain } from "./terminal.ts";
import type { Bench, Report, Row, Table, Workload } from "./workload.ts";

/**
 * Measures a workload, in the quick gate twice if a promise fell, and shows what came of it each time. The report is what
 * stands of both: a failure is no noise, and stands even if it happened only once.
 */
export async function measureWorkload(
  workload: Workload,
  bench: Bench,
  show: (report: Report) => void,
): Promise<Report> {
  const first = await attempt(workload, bench);
  show(first);
  if (!bench.check || findFallenPromises(first).length === 0) return first;
  complain(`${workload.name} is measured once more: a promise has fallen only if it falls twice.`);
  const second = await attempt(workload, bench);
  show(second);
  return whatStands(first, second);
}

/** A workload that cannot go on fails alone: the next ones have nothing to do with it. */
async function attempt(workload: Workload, bench: Bench): Promise<Report> {
  try {
    return await workload.run(bench);
  } catch (error) {
    return failed(workload, error instanceof Error ? error.message : String(error));
  }
}

function failed({ name, title }: Workload, failure: string): Report {
  const row: Row = {
    name,
    title: name,
    group: "kit",
    samples: [],
    figures: {},
    ratio: null,
    cpuRatio: null,
    verdict: null,
    failure,
  };
  const table: Table = { title: "not measured", columns: [], rows: [row], notes: [], plots: [] };
  return { workload: name, title, tables: [table], missing: [] };
}

/** The second report, with the rows of the first that failed, or that have kept a promise which fell only afterwards. */
function whatStands(first: Report, second: Report): Report {
  const earlier = new Map(first.tables.map((table) => [table.title, table]));
  const tables = second.tables.map((table) => ({
    ...table,
    rows: table.rows.map((row) => {
      const before = earlier.get(table.title)?.rows.find(({ name }) => name === row.name);
      return before && standsBefore(before, row) ? before : row;
    }),
  }));
  const titles = second.tables.map(({ title }) => title);
  return { ...second, tables: [...tables, ...first.tables.filter(({ title }) => !titles.includes(title))] };
}

function standsBefore(first: Row, second: Row): boolean {
  if (first.failure !== null) return true;
  return second.failure === null && hasFallen(second) && !hasFallen(first);
}
