import { assertEquals } from "@std/assert";
import { formatReport } from "../../bench/table.ts";
import type { Row, Table } from "../../bench/workload.ts";
import { row, table } from "./_support.ts";

function rowsBelow(shown: Table): string[] {
  const text = formatReport({ workload: "burst", title: "Burst", tables: [shown], missing: [] });
  return text.trimEnd().split("\n").map((line) => line.trim());
}

function spread(name: string, least: number, most: number): Row {
  return row(name, 100, { ratio: { median: 1, least, most, interval: [least, most], rounds: 3 } });
}

Deno.test("a table says of which rows the spread is so wide that the ratio says little", () => {
  const lines = rowsBelow(table([spread("a", 0.09, 11.23), spread("b", 0.9, 2.7), spread("c", 0.5, 1.6)]));
  assertEquals(lines.at(-1), "The spread is so wide that the ratio says little: a, c.");
  assertEquals(rowsBelow(table([spread("b", 0.9, 1.1)])).length, 3);
});

Deno.test("a table without figures says only what failed", () => {
  const failed = { ...table([row("fixed_rate", null, { failure: "it said nothing" })]), columns: [] };
  assertEquals(rowsBelow(failed), ["Burst: 64 bytes", "FAILED fixed_rate: it said nothing"]);
});
