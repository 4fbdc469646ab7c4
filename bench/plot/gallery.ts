/** All drawings of a run, in a folder. */

import type { Plot, Report, Table } from "../workload.ts";
import { drawBars } from "./bars.ts";
import { drawCosts } from "./costs.ts";
import { drawPercentiles } from "./percentiles.ts";

/** Draws every table that says how; gives the names of the files, which replace those of an earlier run. */
export async function writePlots(
  folder: string,
  reports: readonly Report[],
  origin: string,
): Promise<string[]> {
  await Deno.mkdir(folder, { recursive: true });
  const written: string[] = [];
  for (const table of reports.flatMap(({ tables }) => tables)) {
    for (const plot of table.plots) {
      const drawing = draw(plot, table, origin);
      if (drawing === null) continue;
      const file = `${plot.name}.svg`;
      await Deno.writeTextFile(`${folder}/${file}`, drawing);
      written.push(file);
    }
  }
  return written;
}

/** A drawing as SVG; `null` where there is nothing to draw. */
export function draw(plot: Plot, table: Table, origin: string): string | null {
  switch (plot.kind) {
    case "bars":
      return drawBars(plot, table, origin);
    case "percentiles":
      return drawPercentiles(plot, table, origin);
    case "costs":
      return drawCosts(plot, table, origin);
  }
}
