import { assertEquals, assertMatch } from "@std/assert";
import { measureWorkload } from "../../bench/attempt.ts";
import { findFailures, findFallen } from "../../bench/gate.ts";
import { conclude } from "../../bench/verdict.ts";
import type { Bench, Bound, Report, Row, Workload } from "../../bench/workload.ts";
import { row, table } from "./_support.ts";

const PROMISE: Bound = { of: "ratio", atLeast: 0.95, margin: 0.1 };

/** A contender's line whose ratio is this. */
function rated(name: string, ratio: number): Row {
  const spread = { median: ratio, least: ratio, most: ratio, interval: [ratio, ratio] as const, rounds: 3 };
  return row(name, ratio * 100, { group: "kit", verdict: conclude(PROMISE, spread) });
}

/** Measures a workload that finds these rows, in one attempt after another. */
async function measure(check: boolean, ...attempts: (Row[] | Error)[]): Promise<[Report, number]> {
  let count = 0;
  const workload: Workload = {
    name: "echo",
    title: "Echo",
    run() {
      const found = attempts[count++];
      if (found instanceof Error) throw found;
      return Promise.resolve({ workload: "echo", title: "Echo", tables: [table(found)], missing: [] });
    },
  };
  const report = await measureWorkload(workload, { check } as Bench, () => {});
  return [report, count];
}

const WRONG = row("kit", null, { failure: "the reply is not the one that was due" });

Deno.test("a wrong reply is not forgiven when a second measurement has none", async () => {
  const [report, count] = await measure(true, [WRONG, rated("other", 0.5)], [
    rated("kit", 1),
    rated("other", 1),
  ]);
  assertEquals(count, 2);
  assertEquals(findFallen(report), ["echo, 64 bytes, kit: the reply is not the one that was due"]);
});

Deno.test("a workload without a promise that fell is measured once, whatever failed", async () => {
  assertEquals((await measure(true, [WRONG]))[1], 1);
  assertEquals((await measure(true, [rated("kit", 1)]))[1], 1);
  assertEquals((await measure(false, [rated("kit", 0.5)]))[1], 1);
});

Deno.test("a promise has fallen if it falls twice, not if another fell before it", async () => {
  const [report] = await measure(true, [rated("one", 0.5), rated("two", 1), rated("both", 0.5)], [
    rated("one", 1),
    rated("two", 0.5),
    rated("both", 0.6),
  ]);
  assertEquals(findFallen(report).map((text) => text.split(":")[0]), ["echo, 64 bytes, both"]);
});

Deno.test("a workload that throws becomes a report with a failure", async () => {
  const [report] = await measure(false, new Error("the server did not start: it said nothing"));
  assertEquals(findFailures(report), [
    "echo, not measured, echo: the server did not start: it said nothing",
  ]);
});

Deno.test("a second measurement that throws leaves what the first one failed in", async () => {
  const [report] = await measure(true, [WRONG, rated("kit", 0.5)], new Error("no more ports"));
  const failures = findFailures(report);
  assertEquals(failures.length, 2);
  assertMatch(failures.join(), /no more ports.*the reply is not the one that was due/);
});
