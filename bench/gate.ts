/** The quick gate: which promises fell, by more than the noise of a short run can explain. */

import { IN_CHECK } from "./selection.ts";
import type { Report, Row, Verdict } from "./workload.ts";

/** Every reason to fail: a contender with a wrong or lost reply, or a promise missed by more than its margin. */
export function findFallen(report: Report): string[] {
  return [...findFailures(report), ...findFallenPromises(report)];
}

/** The contenders that gave a wrong reply, lost one, or did not start: no run may pass over that. */
export function findFailures(report: Report): string[] {
  return describeRows(report, ({ failure }) => failure);
}

/** The promises that were missed by more than their margins. */
export function findFallenPromises(report: Report): string[] {
  return describeRows(report, (row) => {
    if (!row.verdict || !hasFallen(row)) return null;
    const measured = row.ratio ? `, ratio ${row.ratio.median.toFixed(2)}` : "";
    return `${row.verdict.text}, by ${percent(row.verdict.shortfall)}${measured}`;
  });
}

/** Whether a contender's promise was missed by more than its margin. */
export function hasFallen({ verdict }: Row): boolean {
  return verdict !== null && verdict.shortfall > verdict.margin;
}

/** Whether something in a report failed, whatever became of the promises. */
export function hasFailure(report: Report): boolean {
  return findFailures(report).length > 0;
}

/** What the quick gate has to say at the end. */
export interface Conclusion {
  /** One line for each thing to know, the count last. */
  readonly lines: readonly string[];
  readonly passed: boolean;
}

/** Counts the promises of a run; one in which none could be judged has not passed. */
export function concludeCheck(reports: readonly Report[]): Conclusion {
  const failures = reports.flatMap(findFailures);
  const fallen = reports.flatMap(findFallenPromises);
  const verdicts = reports.flatMap(verdictsOf);
  const judged = verdicts.filter(({ outcome }) => outcome !== "not measured").length;
  const lines = [
    ...failures.map((failure) => `FAILED  ${failure}`),
    ...fallen.map((promise) => `FELL  ${promise}`),
    ...reports.flatMap(findNear).map((promise) => `NEAR  ${promise}`),
  ];
  const unmeasured = verdicts.length - judged;
  lines.push(count({ judged, unmeasured, fallen: fallen.length, failures: failures.length }));
  return { lines, passed: judged > 0 && fallen.length + failures.length === 0 };
}

/** The promises that a table calls missed, and that have not fallen all the same. */
function findNear(report: Report): string[] {
  return describeRows(report, (row) => {
    if (row.verdict?.outcome !== "missed" || hasFallen(row)) return null;
    return `${row.verdict.text}, within the margin of ${percent(row.verdict.margin)}`;
  });
}

function verdictsOf({ tables }: Report): Verdict[] {
  return tables.flatMap(({ rows }) => rows.flatMap(({ verdict }) => verdict ?? []));
}

interface Counts {
  readonly judged: number;
  readonly unmeasured: number;
  readonly fallen: number;
  readonly failures: number;
}

function count({ judged, unmeasured, fallen, failures }: Counts): string {
  const parts = [
    `${judged || "No"} ${judged === 1 ? "promise" : "promises"} judged`,
    unmeasured > 0 && `${unmeasured} not measured`,
    judged > 0 && `${fallen || "none"} fell`,
    failures > 0 && `${failures} ${failures === 1 ? "contender" : "contenders"} failed`,
  ];
  const text = parts.filter((part) => part !== false).join(", ");
  return judged + failures > 0 ? `${text}.` : `${text}; --check has some of ${IN_CHECK.join(", ")}.`;
}

/** What there is to say of single rows, each with where it is. */
function describeRows(report: Report, describe: (row: Row) => string | null): string[] {
  return report.tables.flatMap((table) =>
    table.rows.flatMap((row) => {
      const text = describe(row);
      return text === null ? [] : [`${report.workload}, ${table.title}, ${row.title}: ${text}`];
    })
  );
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
