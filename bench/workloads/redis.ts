/**
 * A small server that speaks Redis's protocol, under redis-benchmark: PING, SET and GET, with and without
 * pipelining.
 */

import { type Case, contest, type Turn } from "../contest.ts";
import type { Bound, Column, Sample } from "../workload.ts";

/**
 * The server's CPU time is what counts: alone with one request at a time the benchmark cannot keep a server
 * busy.
 */
const PROMISE: Bound = { of: "ratio", atMost: 1.1, margin: 0.2 };
const TESTS = ["ping_mbulk", "set", "get"] as const;
/** Requests that a second brings, about; a window of some seconds is made of as many. */
const REQUESTS_PER_SECOND: Readonly<Record<number, number>> = { 1: 50_000, 16: 600_000, 64: 1_500_000 };

const COLUMNS: readonly Column[] = [
  { key: "cpu", title: "CPU µs", digits: 2 },
  ...TESTS.flatMap((test) => [
    { key: `${test} rate`, title: `${test.slice(0, 4)}/s`, digits: 0 },
    { key: `${test} cpu`, title: "CPU µs", digits: 2 },
  ]),
];

async function measure(depth: number, { server, seconds, warmup }: Turn): Promise<Sample> {
  const figures: Record<string, number | null> = {};
  const perTest = REQUESTS_PER_SECOND[depth] / TESTS.length;
  for (const test of TESTS) {
    await benchmark(server.port, test, depth, perTest * warmup);
    const before = server.usage();
    const requests = Math.round(perTest * seconds);
    figures[`${test} rate`] = await benchmark(server.port, test, depth, requests);
    const after = server.usage();
    figures[`${test} cpu`] = before && after && (after.cpu - before.cpu) / requests * 1e6;
  }
  const costs = TESTS.map((test) => figures[`${test} cpu`]);
  figures.cpu = costs.includes(null)
    ? null
    : costs.reduce((sum: number, cost) => sum + cost!, 0) / costs.length;
  return { figures };
}

/** Runs one test; gives the requests per second. */
async function benchmark(port: number, test: string, depth: number, requests: number): Promise<number> {
  const args = ["-p", port, "-t", test, "-P", depth, "-n", Math.ceil(requests), "--csv"].map(String);
  const { stdout } = await new Deno.Command("redis-benchmark", { args }).output();
  const line = new TextDecoder().decode(stdout).trim().split("\n").at(-1)!;
  const rate = Number(line.split(",")[1]?.replaceAll('"', ""));
  if (rate > 0) return rate;
  throw new Error(`redis-benchmark says: ${line}`);
}

function pipelined(depth: number): Case {
  return {
    title: `${depth} at a time`,
    columns: COLUMNS,
    leading: "cpu",
    promise: PROMISE,
    wanted: depth === 16 ? undefined : ["redis_kit"],
    measure: (turn) => measure(depth, turn),
  };
}

export default contest({
  name: "redis",
  title: "Redis protocol, 50 connections",
  service: "redis",
  prepare: ({ workshop }) => workshop.needsRedisBenchmark(),
  cases: [1, 16, 64].map(pipelined),
});
