/** Bars: a row for each contender, the best at the top; a panel for each figure. */

import { countedTurns } from "../pairing.ts";
import { spreadOf } from "../statistics.ts";
import type { BarPlot, Column, Row, Table } from "../workload.ts";
import { linearScale } from "./scale.ts";
import { BOTTOM, LETTER, MARGIN, number, path, round, sheet, text, TOP } from "./sheet.ts";

const WIDTH = 900;
const ROW = 28;
const BAR = 18;
const PANEL_GAP = 28;
const NUMBERS = 108; // right of the longest bar, for its value and ratio

interface Panel {
  readonly column: Column;
  readonly from: number;
  readonly to: number;
  readonly leading: boolean;
  readonly withRatio: boolean;
}

/** Draws a table; `origin` tells the machine and the date. */
export function drawBars(plot: BarPlot, table: Table, origin: string): string {
  const columns = plot.columns.map((key) => table.columns.find((column) => column.key === key)!);
  const rows = sortedRows(plot, table, columns[0]);
  const names = MARGIN + Math.max(...rows.map(({ title }) => title.length)) * LETTER + 12;
  const width = (WIDTH - MARGIN - names - PANEL_GAP * (columns.length - 1)) / columns.length;
  const panels = columns.map((column, n): Panel => {
    const from = names + n * (width + PANEL_GAP);
    return { column, from, to: from + width, leading: n === 0, withRatio: column.key === plot.ratioOf };
  });
  const top = TOP + 26;
  const height = top + rows.length * ROW + BOTTOM;
  const rounds = Math.max(...rows.map((row) => countedTurns(row).length));
  const subtitle =
    (rounds > 1 ? `median of ${rounds} rounds; the thin line spans all of them` : "one round") +
    (panels.some((panel) => rows.some((row) => isPale(panel, row, rows)))
      ? "; an empty bar has no ratio"
      : "");
  return sheet(WIDTH, height, { title: plot.title, subtitle, origin }, [
    legend(rows),
    ...rows.map((row, n) =>
      text(names - 12, middle(top, n), row.title, row.group === "kit" ? "bold" : "", "end")
    ),
    ...panels.flatMap((panel) => drawPanel(panel, rows, top)),
  ]);
}

/** Best first; those without a figure at the end. */
function sortedRows(plot: BarPlot, { rows }: Table, leading: Column): Row[] {
  const chosen = plot.rows ? rows.filter(({ name }) => plot.rows!.includes(name)) : [...rows];
  const sign = betterOf(leading) === "more" ? -1 : 1;
  const rank = ({ figures }: Row): number => sign * (figures[leading.key] ?? -sign * Infinity);
  return chosen.sort((a, b) => rank(a) - rank(b) || 0);
}

function betterOf({ key, better }: Column): "more" | "less" {
  return better ?? (key.endsWith("rate") ? "more" : "less");
}

function legend(rows: readonly Row[]): string {
  const bare = rows.find(({ group }) => group === "bare");
  const kinds = [
    ["kit", "the kit"],
    ["bare", bare?.title ?? ""],
    ["peer", "others"],
  ].filter(([group]) => rows.some((row) => row.group === group));
  let right = WIDTH - MARGIN;
  const parts = kinds.toReversed().map(([group, words]) => {
    right -= words.length * LETTER + 26;
    return `<rect x="${right}" y="22" width="12" height="12" rx="3" class="${group}"/>` +
      text(right + 18, 33, words, "dim");
  });
  return parts.join("");
}

function middle(top: number, row: number): number {
  return top + row * ROW + BAR / 2 + 5;
}

function drawPanel(panel: Panel, rows: readonly Row[], top: number): string[] {
  const { column, from, to } = panel;
  const most = Math.max(...rows.map((row) => spreadIn(row, column)?.most ?? 0));
  const scale = linearScale(most || 1, from, to - NUMBERS);
  const bottom = top + rows.length * ROW - (ROW - BAR) + 4;
  const bare = rows.find(({ group }) => group === "bare")?.figures[column.key];
  const head = `${column.title}, ${betterOf(column)} is better`;
  return [
    text(from, top - 12, head, "dim small"),
    path(`M${round(from)} ${top - 4}V${bottom}`, "grid"),
    ...rows.map((row, n) => drawBar(panel, row, top + n * ROW, scale.place, isPale(panel, row, rows))),
    bare ? path(`M${round(scale.place(bare))} ${top - 4}V${bottom}`, "mark") : "",
    ...rows.map((row, n) => drawValue(panel, row, top + n * ROW, scale.place)),
  ];
}

function spreadIn(row: Row, { key }: Column): { least: number; most: number } | null {
  return spreadOf(countedTurns(row).map(({ figures }) => figures[key] ?? null));
}

/** Whether something else set the pace, so that its figure is not its own. */
function isPale({ withRatio }: Panel, row: Row, rows: readonly Row[]): boolean {
  return withRatio && row.ratio === null && rows.some(({ group }) => group === "bare");
}

function drawBar({ column, from }: Panel, row: Row, y: number, place: Place, pale: boolean): string {
  const value = row.figures[column.key];
  if (row.failure !== null || value === null || value === undefined) return "";
  const width = Math.max(1.5, place(value) - from);
  const bar = `<rect x="${round(from)}" y="${y}" width="${round(width)}" height="${BAR}" rx="2.5" ` +
    `class="${row.group}${pale ? " pale" : ""}"/>`;
  const spread = spreadIn(row, column);
  if (!spread || spread.most === spread.least) return bar;
  return bar + whisker(place(spread.least), place(spread.most), y + BAR / 2);
}

function drawValue({ column, from, leading, withRatio }: Panel, row: Row, y: number, place: Place): string {
  const value = row.figures[column.key];
  const base = y + BAR / 2 + 5;
  if (row.failure !== null) return leading ? text(from + 6, base, "failed", "bad") : "";
  if (value === null || value === undefined) return text(from + 6, base, "–", "dim");
  const end = place(Math.max(value, spreadIn(row, column)?.most ?? value)) + 8;
  const ratio = withRatio && row.ratio && row.group !== "bare" ? ` ${row.ratio.median.toFixed(2)}×` : "";
  return `<text x="${round(end)}" y="${base}" class="halo">${
    number(value)
  }<tspan class="dim">${ratio}</tspan></text>`;
}

type Place = (value: number) => number;

function whisker(from: number, to: number, y: number): string {
  const [a, b] = [round(from), round(to)];
  return path(`M${a} ${y}H${b}M${a} ${y - 4}v8M${b} ${y - 4}v8`, "whisker");
}
