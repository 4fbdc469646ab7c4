/** Lines with their names at their ends, over an axis of any kind and a logarithmic one. */

import type { Row } from "../workload.ts";
import { logScale, spreadOut } from "./scale.ts";
import {
  BOTTOM,
  type Heading,
  LETTER,
  LINE_COLOURS,
  MARGIN,
  path,
  round,
  sheet,
  text,
  TOP,
} from "./sheet.ts";

/** A line; `x` is a share of the width, `y` a value greater than 0. */
export interface Line {
  readonly title: string;
  readonly group: Row["group"];
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** What a chart shows beside its lines. */
export interface Axes {
  readonly across: { readonly title: string; readonly marks: readonly { x: number; words: string }[] };
  /** How a value of the upright axis is written. */
  format(value: number): string;
}

const WIDTH = 900;
const PLOT_HEIGHT = 330;
const LEFT = MARGIN + 52;
const NAME_GAP = 17;

/** Draws lines that have a point at least. */
export function drawLines(heading: Heading, lines: readonly Line[], axes: Axes): string {
  const names = Math.max(...lines.map(({ title }) => title.length)) * LETTER + 30;
  const right = WIDTH - MARGIN - names;
  const bottom = TOP + PLOT_HEIGHT;
  const across = (x: number): number => LEFT + (right - LEFT) * x;
  const upright = logScale(lines.flatMap(({ points }) => points.map(({ y }) => y)), bottom, TOP);
  const grid = [
    ...upright.ticks.flatMap((tick) => [
      path(`M${LEFT} ${round(upright.place(tick))}H${round(right)}`, "grid"),
      text(LEFT - 10, upright.place(tick) + 4, axes.format(tick), "dim", "end"),
    ]),
    ...axes.across.marks.flatMap(({ x, words }) => [
      path(`M${round(across(x))} ${bottom}v5`, "grid"),
      text(across(x), bottom + 21, words, "dim", "middle"),
    ]),
    text((LEFT + right) / 2, bottom + 42, axes.across.title, "dim small", "middle"),
  ];
  const ends = lines.map(({ points }) => upright.place(points.at(-1)!.y));
  const places = spreadOut(ends, NAME_GAP);
  const colours = colourClasses(lines);
  const drawn = lines.map(({ title, group, points }, n) => {
    const corners = points.map(({ x, y }) => `${round(across(x))} ${round(upright.place(y))}`);
    const [endX, endY] = [across(points.at(-1)!.x), ends[n]];
    const dots = points.length < 6
      ? points.map(({ x, y }) =>
        `<circle cx="${round(across(x))}" cy="${round(upright.place(y))}" r="3.2" class="dot ${colours[n]}"/>`
      )
      : [];
    return path(`M${corners.join("L")}`, `line ${colours[n]}`) + dots.join("") +
      path(
        `M${round(endX + 5)} ${round(endY)}L${round(right + 16)} ${round(places[n])}`,
        `leader ${colours[n]}`,
      ) +
      text(right + 20, places[n] + 4.5, title, `name ${colours[n]}${group === "kit" ? " bold" : ""}`);
  });
  return sheet(WIDTH, bottom + 52 + BOTTOM, heading, [...grid, ...drawn]);
}

/** What ratios refer to is dashed; all others have a colour of their own, the kit's first. */
function colourClasses(lines: readonly Line[]): string[] {
  const own = lines.filter(({ group }) => group !== "bare").sort((a, b) =>
    Number(b.group === "kit") - Number(a.group === "kit")
  );
  return lines.map((line) => line.group === "bare" ? "bareline" : `l${own.indexOf(line) % LINE_COLOURS}`);
}
