/** The quick gate: which promises fell, by more than the noise of a short run can explain. */

import type { Report } from "./workload.ts";

/** Every reason to fail: a promise missed by more than its margin, or a contender with a wrong or lost reply. */
export function findFallen(report: Report): string[] {
  const fallen: string[] = [];
  for (const table of report.tables) {
    for (const { title, verdict, ratio, failure } of table.rows) {
      const where = `${report.workload}, ${table.title}, ${title}`;
      if (failure !== null) fallen.push(`${where}: ${failure}`);
      if (!verdict || verdict.shortfall <= verdict.margin) continue;
      const measured = ratio ? `, ratio ${ratio.median.toFixed(2)}` : "";
      fallen.push(`${where}: ${verdict.text}, by ${percent(verdict.shortfall)}${measured}`);
    }
  }
  return fallen;
}

/** Whether a contender gave a wrong reply, lost one, or did not start: no run may pass over that. */
export function hasFailure({ tables }: Report): boolean {
  return tables.some(({ rows }) => rows.some(({ failure }) => failure !== null));
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
