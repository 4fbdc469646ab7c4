import { assertEquals } from "@std/assert";
import { contest } from "../../bench/contest.ts";
import type { Bench, Report } from "../../bench/workload.ts";
import { liar, withGenerator } from "./_support.ts";

const [NEAR, FAR] = [100, 350];

/** Runs a contest of the bare one and another; the distances are those at the start and end of each turn. */
async function runWith(distances: readonly number[], timeless: boolean): Promise<[Report, number]> {
  const workload = contest({
    name: "echo",
    title: "Echo",
    service: "lines",
    cases: ["wanted", "other"].map((title) => ({
      title,
      columns: [{ key: "rate", title: "requests/s", digits: 0 }],
      leading: "rate",
      timeless,
      measure: () => Promise.resolve({ figures: { rate: 100 } }),
    })),
  });
  const contenders = [liar("honest", "bare"), { ...liar("honest", "kit"), title: "the kit" }];
  let probes = 0;
  const probeCores = (): number => distances[probes++];
  let report: Report;
  await withGenerator("typescript", async (generator, workshop) => {
    const bench: Bench = {
      seconds: 1,
      rounds: 2,
      check: false,
      wantsCase: (title) => title === "wanted",
      generator,
      workshop,
      probeCores,
      contenders: () => contenders,
    };
    report = await workload.run(bench);
  });
  return [report!, probes];
}

Deno.test("a contest takes a further round when the machine's cores moved in the others, and says so", async () => {
  const round = (own: number): number[] => [NEAR, NEAR, own, own];
  const [report] = await runWith([...round(FAR), ...round(FAR), ...round(NEAR)], false);
  const [table, ...others] = report.tables;
  assertEquals(others, []);
  assertEquals(table.notes, [
    "The machine's cores were farther apart, or nearer, than in bare's turn of the round, in these turns, which give no ratio: " +
    "the kit (2 of 3).",
  ]);
  const [bare, kit] = table.rows;
  assertEquals(kit.samples.map(({ round, coreDistance }) => [round, coreDistance]), [
    [1, [FAR, FAR]],
    [2, [FAR, FAR]],
    [3, [NEAR, NEAR]],
  ]);
  assertEquals([bare.samples.length, kit.ratio?.median], [3, 1]);
});

Deno.test("a contest does not look at the cores where no figure depends on time", async () => {
  const [report, probes] = await runWith([], true);
  const [{ rows, notes }] = report.tables;
  assertEquals([probes, notes, rows[1].samples.length], [0, [], 2]);
});

Deno.test("figures are of the turns with the cores as in most turns; one who has none of these says so", async () => {
  const round = (own: number): number[] => [NEAR, NEAR, own, own];
  const [once] = await runWith([...round(FAR), ...round(NEAR)], false);
  assertEquals(once.tables[0].rows[1].samples.map(({ aside }) => aside === true), [true, false]);
  const [never] = await runWith(Array.from({ length: 4 }, () => round(FAR)).flat(), false);
  const [{ rows, notes }] = never.tables;
  assertEquals(rows[1].samples.some(({ aside }) => aside), false);
  assertEquals(
    notes.at(-1),
    "The machine's cores were elsewhere than usual in every turn of the kit: compare its ratio, not its figures.",
  );
});
