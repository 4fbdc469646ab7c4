/** Reports as text for a terminal. */

import { spreadOf } from "./statistics.ts";
import type { Report, Row, Shares, Table } from "./workload.ts";

const ABSENT = "–";
/** A spread whose most is so many times its least leaves open even whether the ratio is above or below 1, as a rule. */
const WIDE = 3;

/** A whole report: its tables, and who was missing. */
export function formatReport({ title, tables, missing }: Report): string {
  const parts = tables.map((table) => `${title}: ${table.title}\n${formatTable(table)}`);
  if (missing.length > 0) parts.push(`Not here: ${missing.join("; ")}.`);
  return `${parts.join("\n\n")}\n`;
}

function formatTable(table: Table): string {
  const failures = table.rows.filter(({ failure }) => failure !== null);
  const lines = table.columns.length === 0 ? [] : align(columnsOf(table), table.rows);
  for (const { title, failure } of failures) lines.push(`FAILED ${title}: ${failure}`);
  return [...lines, ...noteOnSpreads(table.rows), ...table.notes].map((line) => `  ${line}`).join("\n");
}

function noteOnSpreads(rows: readonly Row[]): string[] {
  const wide = rows.filter(({ ratio }) => ratio && ratio.most > WIDE * ratio.least);
  if (wide.length === 0) return [];
  return [`The spread is so wide that the ratio says little: ${wide.map(({ title }) => title).join(", ")}.`];
}

/** A column as text. */
interface TextColumn {
  readonly head: string;
  readonly cellOf: (row: Row) => string;
  readonly words?: boolean;
}

/** The figures of a table, and of the other columns those in which some row has something. */
function columnsOf({ columns, rows }: Table): TextColumn[] {
  const figures = columns.map(({ key, title, digits }): TextColumn => (
    { head: title, cellOf: ({ figures }) => formatNumber(figures[key], digits) }
  ));
  const hasRatio = rows.some(({ ratio }) => ratio);
  const hasShares = rows.some(({ samples }) => samples.some(({ shares }) => shares));
  const others: (TextColumn | false)[] = [
    hasRatio && { head: "ratio", cellOf: ({ ratio }) => formatNumber(ratio?.median, 2) },
    hasRatio && { head: "spread", cellOf: formatSpread },
    rows.some(({ cpuRatio }) => cpuRatio) &&
    { head: "CPU ratio", cellOf: ({ cpuRatio }) => formatNumber(cpuRatio?.median, 2) },
    hasShares && { head: "server", cellOf: (row) => formatShare(row, "server") },
    hasShares && { head: "load", cellOf: (row) => formatShare(row, "generator") },
    rows.some(({ verdict }) => verdict) &&
    { head: "promise", cellOf: ({ verdict }) => verdict?.text ?? "", words: true },
  ];
  const name: TextColumn = { head: "", cellOf: ({ title }) => title, words: true };
  return [name, ...figures, ...others.filter((column) => column !== false)];
}

function formatSpread({ ratio }: Row): string {
  return ratio ? `${ratio.least.toFixed(2)}–${ratio.most.toFixed(2)}` : ABSENT;
}

function formatShare({ samples }: Row, whose: keyof Shares): string {
  const share = spreadOf(samples.map(({ shares }) => shares?.[whose] ?? null))?.median;
  return share === undefined ? ABSENT : `${Math.round(share * 100)} %`;
}

function formatNumber(value: number | null | undefined, digits: number): string {
  if (value === null || value === undefined) return ABSENT;
  const [whole, fraction] = value.toFixed(digits).split(".");
  const grouped = whole.replaceAll(/\B(?=(\d{3})+$)/g, " ");
  return fraction ? `${grouped}.${fraction}` : grouped;
}

/** Words start at the left of their column, numbers end at the right. */
function align(columns: readonly TextColumn[], rows: readonly Row[]): string[] {
  const texts = columns.map(({ head, cellOf }) => [head, ...rows.map(cellOf)]);
  const widths = texts.map((cells) => Math.max(...cells.map((cell) => cell.length)));
  const pad = (column: number, cell: string): string =>
    columns[column].words ? cell.padEnd(widths[column]) : cell.padStart(widths[column]);
  return texts[0].map((_, line) =>
    texts.map((cells, column) => pad(column, cells[line])).join("  ").trimEnd()
  );
}
