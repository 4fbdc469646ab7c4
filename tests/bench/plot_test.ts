import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { CURVE_SHARES } from "../../bench/generator.ts";
import { drawBars } from "../../bench/plot/bars.ts";
import { drawCosts } from "../../bench/plot/costs.ts";
import { drawPercentiles } from "../../bench/plot/percentiles.ts";
import { linearScale, logScale, spreadOut } from "../../bench/plot/scale.ts";
import type { BarPlot, Row } from "../../bench/workload.ts";
import { row, table } from "./_support.ts";

const BARS: BarPlot = { kind: "bars", name: "echo", title: "Echo", columns: ["rate"], ratioOf: "rate" };

function assertNear(actual: number, expected: number): void {
  assert(Math.abs(actual - expected) < 0.01, `${actual} is not ${expected}`);
}

/** The widths of all bars, from the top. */
function barWidths(svg: string): number[] {
  return [...svg.matchAll(/width="([\d.]+)" height="18"/g)].map(([, width]) => Number(width));
}

function curved(name: string, latency: number): Row {
  return row(name, 1, {
    samples: [{ figures: {}, curve: CURVE_SHARES.map((share) => latency * (1 + share)) }],
  });
}

Deno.test("linearScale() begins at zero and marks round steps", () => {
  const { ticks, place } = linearScale(170, 100, 440);
  assertEquals(ticks, [0, 50, 100, 150]);
  assertEquals([place(0), place(85), place(170)], [100, 270, 440]);
});

Deno.test("logScale() gives every power of ten the same room, also when all values are alike", () => {
  const { ticks, place } = logScale([3, 700], 0, 300);
  assertEquals(ticks, [1, 10, 100, 1000]);
  assertNear(place(10), 100);
  assertNear(place(100), 200);
  assertEquals(logScale([10], 0, 1).ticks, [10, 100]);
});

Deno.test("spreadOut() moves names apart no further than it must, and keeps their order", () => {
  assertEquals(spreadOut([0, 50, 100], 17), [0, 50, 100]);
  assertEquals(spreadOut([10, 10], 20), [0, 20]);
  const places = spreadOut([30, 31, 29, 100], 10);
  assertEquals(places, [30, 40, 20, 100]);
});

Deno.test("spreadOut() lets groups that grow into each other move together", () => {
  const places = spreadOut([0, 0, 22, 22], 10);
  const sorted = places.toSorted((a, b) => a - b);
  for (const [n, place] of sorted.entries()) assert(n === 0 || place - sorted[n - 1] >= 9.999);
  assertNear((places[0] + places[3]) / 2, 11);
});

Deno.test("drawBars() puts the best on top, with bars as long as the figures are large", () => {
  const svg = drawBars(BARS, table([row("slow", 50), row("fast", 200), row("middling", 100)]), "here, today");
  const [first, second, third] = barWidths(svg);
  assertNear(first / third, 4);
  assertNear(second / third, 2);
  assert(
    svg.indexOf(">fast<") < svg.indexOf(">middling<") && svg.indexOf(">middling<") < svg.indexOf(">slow<"),
  );
  assertStringIncludes(svg, "here, today");
});

Deno.test("drawBars() puts less on top where less is better", () => {
  const costs = { ...table([row("dear", 9), row("cheap", 3)]) };
  const columns = [{ ...costs.columns[0], better: "less" as const }];
  const svg = drawBars(BARS, { ...costs, columns }, "");
  assert(svg.indexOf(">cheap<") < svg.indexOf(">dear<"));
  assertStringIncludes(svg, "less is better");
});

Deno.test("drawBars() draws no bar and no number for a contender that failed", () => {
  const svg = drawBars(BARS, table([row("liar", 500, { failure: "a wrong reply" }), row("honest", 100)]), "");
  assertEquals(barWidths(svg).length, 1);
  assertStringIncludes(svg, ">failed<");
  assert(!svg.includes(">500<"));
});

Deno.test("drawBars() escapes names and has colours for dark pages", () => {
  const svg = drawBars(BARS, table([row("a < b & c", 1)]), "");
  assertStringIncludes(svg, "a &lt; b &amp; c");
  assertMatch(svg, /@media\(prefers-color-scheme:dark\)/);
});

Deno.test("drawPercentiles() leaves out who could not keep up, and says so", () => {
  const plot = { kind: "percentiles", name: "rate", title: "At a rate" } as const;
  const svg = drawPercentiles(plot, table([curved("quick", 50), row("late", 1)]), "")!;
  assertStringIncludes(svg, "1 could not keep up");
  assertEquals(svg.match(/class="line /g)!.length, 1);
  assertEquals(drawPercentiles(plot, table([row("late", 1)]), ""), null);
});

Deno.test("drawCosts() draws a level line for what costs the same at every number", () => {
  const points = [{ column: "at10", at: 10 }, { column: "at100", at: 100 }];
  const plot = { kind: "costs", name: "poll", title: "Poll", across: "sources", points } as const;
  const level = row("level", 1, { figures: { at10: 5, at100: 5 } });
  const svg = drawCosts(plot, table([level, row("steep", 1, { figures: { at10: 5, at100: 50 } })]), "");
  const heights = [...svg.matchAll(/d="M[\d.]+ ([\d.]+)L[\d.]+ ([\d.]+)" class="line/g)];
  assertEquals(heights[0][1], heights[0][2]);
  assert(Number(heights[1][2]) < Number(heights[1][1]));
});
