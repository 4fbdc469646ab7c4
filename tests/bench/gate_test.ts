import { assertEquals } from "@std/assert";
import { concludeCheck } from "../../bench/gate.ts";
import { IN_CHECK } from "../../bench/selection.ts";
import type { Bench, Report, Row, Verdict } from "../../bench/workload.ts";
import { WORKLOADS } from "../../bench/workloads/mod.ts";
import { Workshop } from "../../bench/workshop.ts";
import { row, table } from "./_support.ts";

function promised(name: string, outcome: Verdict["outcome"], shortfall = 0): Row {
  return row(name, 100, { verdict: { outcome, text: `≥ 0.95 ${outcome}`, shortfall, margin: 0.3 } });
}

function reportOf(...rows: Row[]): Report[] {
  return [{ workload: "echo", title: "Echo", tables: [table(rows)], missing: [] }];
}

Deno.test("the gate counts what it judged", () => {
  const { lines, passed } = concludeCheck(reportOf(
    promised("one", "reached"),
    promised("two", "unclear", 0.01),
    promised("three", "not measured"),
  ));
  assertEquals([lines, passed], [["2 promises judged, 1 not measured, none fell."], true]);
});

Deno.test("the gate names what fell, and what was missed within its margin", () => {
  const { lines, passed } = concludeCheck(reportOf(
    promised("near", "missed", 0.1),
    promised("far", "missed", 0.4),
    row("wrong", null, { failure: "replies never came" }),
  ));
  assertEquals(lines, [
    "FAILED  echo, 64 bytes, wrong: replies never came",
    "FELL  echo, 64 bytes, far: ≥ 0.95 missed, by 40 %",
    "NEAR  echo, 64 bytes, near: ≥ 0.95 missed, within the margin of 30 %",
    "2 promises judged, 1 fell, 1 contender failed.",
  ]);
  assertEquals(passed, false);
});

Deno.test("the gate does not pass when it judged nothing", () => {
  for (const reports of [[], reportOf(promised("one", "not measured"))]) {
    const { lines, passed } = concludeCheck(reports);
    assertEquals([lines.length, passed], [1, false]);
    assertEquals(lines[0].startsWith("No promises judged"), true, lines[0]);
    assertEquals(lines[0].includes("idle_memory"), true, lines[0]);
  }
});

Deno.test("the gate says that contenders failed where nothing could be judged for that reason", () => {
  const { lines, passed } = concludeCheck(reportOf(row("bare", null, { failure: "it did not start" })));
  assertEquals([lines.at(-1), passed], ["No promises judged, 1 contender failed.", false]);
});

/** Whether a workload would measure something in the quick gate. */
async function takesPart(run: (bench: Bench) => Promise<Report>, workshop: Workshop): Promise<boolean> {
  let asked = false;
  const bench = {
    seconds: 0.001,
    rounds: 1,
    check: true,
    wantsCase: () => true,
    workshop,
    contenders() {
      asked = true;
      return [];
    },
  };
  const { tables } = await run(bench as unknown as Bench);
  return asked || tables.length > 0;
}

Deno.test("the workloads that are said to be in the check are those that measure something there", async () => {
  using workshop = await Workshop.open();
  const names: string[] = [];
  for (const { name, run } of WORKLOADS) {
    if (await takesPart(run, workshop)) names.push(name);
  }
  assertEquals([...IN_CHECK], names);
});
