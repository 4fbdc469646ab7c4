/** A cost against the number of things, both axes logarithmic: a flat line is what one hopes for. */

import type { CostPlot, Table } from "../workload.ts";
import { drawLines, type Line } from "./line_chart.ts";
import { logScale } from "./scale.ts";
import { mark } from "./sheet.ts";

/** Draws a table with a column for each number of things. */
export function drawCosts({ title, across, points }: CostPlot, { rows }: Table, origin: string): string {
  const scale = logScale(points.map(({ at }) => at), 0, 1);
  const lines = rows.map(({ title, group, figures }): Line => ({
    title,
    group,
    points: points.flatMap(({ column, at }) => {
      const value = figures[column];
      return value ? [{ x: scale.place(at), y: value }] : [];
    }),
  }));
  const subtitle = "lower is better; a flat line costs the same however many there are";
  return drawLines({ title, subtitle, origin }, lines.filter(({ points }) => points.length > 0), {
    across: {
      title: across,
      marks: scale.ticks.map((tick) => ({ x: scale.place(tick), words: mark(tick) })),
    },
    format: mark,
  });
}
