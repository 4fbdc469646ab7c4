import { assertEquals } from "@std/assert";
import { findFallen, hasFailure } from "../../bench/gate.ts";
import {
  conclude,
  cpuRatioToBare,
  generatorLimits,
  judge,
  machineLimits,
  ratioToBare,
} from "../../bench/verdict.ts";
import type { Bound } from "../../bench/workload.ts";
import { row, sample, table, turnAt } from "./_support.ts";

const PROMISE: Bound = { of: "ratio", atLeast: 0.95, margin: 0.1 };

Deno.test("ratioToBare() divides by the bare one's figure of the same round", () => {
  const own = [100, 300, 200].map((rate) => sample({ rate }));
  const bare = [100, 200, 400].map((rate) => sample({ rate }));
  const { median, least, most } = ratioToBare(own, bare, "rate")!;
  assertEquals([least, median, most], [0.5, 1, 1.5]);
});

Deno.test("ratioToBare() gives no ratio when the generator used a whole core and the server did not", () => {
  const limited = [sample({ rate: 90 }, { server: 0.7, generator: 0.97 })];
  const bare = [sample({ rate: 100 })];
  assertEquals(generatorLimits(limited[0]), true);
  assertEquals(ratioToBare(limited, bare, "rate"), null);
  assertEquals(ratioToBare(bare, limited, "rate"), null);
});

Deno.test("ratioToBare() gives no ratio when other programs kept the server from running", () => {
  const starved = sample({ rate: 90 }, { server: 0.6, serverWaited: 0.3 });
  assertEquals(machineLimits(starved), true);
  assertEquals(ratioToBare([starved], [sample({ rate: 100 })], "rate"), null);
});

Deno.test("there is no ratio, by rate or by CPU, of turns between which the machine's cores moved", () => {
  const bare = [turnAt(1, 350, 350, 100), turnAt(2, 100, 100, 100), turnAt(3, 100, 100, 100)];
  const own = [turnAt(1, 100, 100, 200), turnAt(2, 100, 100, 90), turnAt(3, 100, 100, 92)];
  const { least, most } = ratioToBare(own, bare, "rate")!;
  assertEquals([least, most], [0.9, 0.92]);
  assertEquals(ratioToBare(own.slice(0, 2), bare, "rate", 3), null);
  assertEquals(cpuRatioToBare(own.slice(0, 2), bare, 3), null);
  assertEquals(judge(PROMISE, "rate", own.slice(0, 2), bare, 3).outcome, "not measured");
});

Deno.test("a server on several cores was kept from running when it waited while a core was left to others", () => {
  const shares = { serverCores: 2, server: 0.8, serverWaited: 0.5, generator: 0.02 };
  assertEquals(machineLimits(sample({}, shares)), true);
  const all = { ...shares, server: Math.max(2, navigator.hardwareConcurrency) };
  assertEquals(machineLimits(sample({}, all)), false);
});

Deno.test("a generator at its limit is no limit for a server that used its core as well", () => {
  assertEquals(generatorLimits(sample({}, { server: 0.99, generator: 0.98 })), false);
});

Deno.test("a server on several cores has had all the work it could do only if no core was left", () => {
  const cores = navigator.hardwareConcurrency;
  const shares = { serverCores: cores + 1, server: cores - 1, generator: 0.98 };
  assertEquals(generatorLimits(sample({}, shares)), false);
  assertEquals(generatorLimits(sample({}, { ...shares, server: cores - 1.5 })), true);
});

Deno.test("judge() compares CPU time when one of the servers was not given all the work it could do", () => {
  const own = [sample({ rate: 50, cpu: 5 }, { server: 0.5 })];
  const bare = [sample({ rate: 100, cpu: 5 }, { server: 0.5 })];
  const { outcome, text } = judge(PROMISE, "rate", own, bare);
  assertEquals([outcome, text], ["reached", "≥ 0.95 by CPU reached"]);
});

Deno.test("judge() never compares CPU time of a server on two cores: one idle core is its own doing", () => {
  const twice: Bound = { of: "ratio", atLeast: 1.7, margin: 0.1 };
  const own = sample({ rate: 110, cpu: 5 }, { serverCores: 2, server: 1.1 });
  const bare = sample({ rate: 100, cpu: 5 });
  const { outcome, shortfall } = judge(twice, "rate", [own, own, own], [bare, bare, bare]);
  assertEquals([outcome, shortfall > 0.3], ["missed", true]);
});

Deno.test("conclude() calls a promise unclear while the true median may still be on its right side", () => {
  const spread = (median: number, interval: [number, number], rounds = 3): Parameters<typeof conclude>[1] => (
    { median, least: interval[0], most: interval[1], rounds, interval }
  );
  assertEquals(conclude(PROMISE, spread(0.96, [0.9, 1])).outcome, "reached");
  assertEquals(conclude(PROMISE, spread(0.94, [0.9, 0.96])).outcome, "unclear");
  assertEquals(conclude(PROMISE, spread(0.93, [0.9, 0.94])).outcome, "missed");
  assertEquals(conclude(PROMISE, spread(0.93, [0.93, 0.93], 1)).outcome, "unclear");
  assertEquals(conclude(PROMISE, spread(0.93, [0.92, 0.94], 2)).outcome, "missed");
  assertEquals(conclude(PROMISE, null).outcome, "not measured");
});

Deno.test("findFallen() names a promise that was missed by more than its margin, and no other", () => {
  const verdict = (shortfall: number): ReturnType<typeof conclude> => (
    { outcome: "missed", text: "≥ 0.95 missed", shortfall, margin: 0.1 }
  );
  const rows = [row("near", 94, { verdict: verdict(0.05) }), row("far", 80, { verdict: verdict(0.16) })];
  const report = { workload: "echo", title: "Echo", tables: [table(rows)], missing: [] };
  assertEquals(findFallen(report), ["echo, 64 bytes, far: ≥ 0.95 missed, by 16 %"]);
  assertEquals(hasFailure(report), false);
});
