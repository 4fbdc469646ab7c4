/** Latency against the share of operations that were no slower: far to the right are the unlucky few. */

import { CURVE_SHARES } from "../generator.ts";
import { countedTurns } from "../pairing.ts";
import { spreadOf } from "../statistics.ts";
import type { PercentilePlot, Row, Table } from "../workload.ts";
import { drawLines, type Line } from "./line_chart.ts";

const MARKS: readonly [number, string][] = [
  [0.5, "half"],
  [0.9, "90 %"],
  [0.99, "99 %"],
  [0.999, "99.9 %"],
  [0.9999, "99.99 %"],
];
const FIRST = position(0.5);
const LAST = position(0.9999);

/** Draws a table whose samples have curves; `null` where none has. */
export function drawPercentiles({ title }: PercentilePlot, { rows }: Table, origin: string): string | null {
  const lines = rows.map(lineOf).filter(({ points }) => points.length > 0);
  if (lines.length === 0) return null;
  const rounds = Math.max(...rows.map((row) => countedTurns(row).length));
  const late = rows.filter(({ failure }) => failure === null).length - lines.length;
  const subtitle = `latency, lower is better; ${rounds > 1 ? `median of ${rounds} rounds` : "one round"}` +
    (late > 0 ? `; ${late} could not keep up` : "");
  return drawLines({ title, subtitle, origin }, lines, {
    across: {
      title: "share of requests that were answered by then",
      marks: MARKS.map(([share, words]) => ({ x: acrossOf(share), words })),
    },
    format: formatMicroseconds,
  });
}

function lineOf(row: Row): Line {
  const { title, group } = row;
  const curves = countedTurns(row).flatMap(({ curve }) => curve ? [curve] : []);
  const points = CURVE_SHARES.flatMap((share, n) => {
    const value = share === 1 ? null : spreadOf(curves.map((curve) => curve[n]))?.median;
    return value ? [{ x: acrossOf(share), y: value }] : [];
  });
  return { title, group, points };
}

/** The same way for every further nine. */
function position(share: number): number {
  return -Math.log10(1 - share);
}

function acrossOf(share: number): number {
  return (position(share) - FIRST) / (LAST - FIRST);
}

function formatMicroseconds(value: number): string {
  if (value >= 1e6) return `${value / 1e6} s`;
  return value >= 1000 ? `${value / 1000} ms` : `${value} µs`;
}
