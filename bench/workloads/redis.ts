/**
 * A small server that speaks Redis's protocol, under redis-benchmark: PING, SET and GET, with and without
 * pipelining. redis-benchmark counts replies and does not compare them, so a client of our own does before and after.
 */

import { type Case, contest, type Turn } from "../contest.ts";
import type { Bound, Column, Sample } from "../workload.ts";
import { writeAll } from "./transfer.ts";

/**
 * The server's CPU time is what counts: alone with one request at a time the benchmark cannot keep a server
 * busy.
 */
const PROMISE: Bound = { of: "ratio", atMost: 1.1, margin: 0.2 };
const TESTS = ["ping_mbulk", "set", "get"] as const;
/** Requests that a second brings, about; a window of some seconds is made of as many. */
const REQUESTS_PER_SECOND: Readonly<Record<number, number>> = { 1: 50_000, 16: 600_000, 64: 1_500_000 };

/** What redis-benchmark sets and gets, always the same, and what is there before it. */
const KEY = "key:__rand_int__";
const [VALUE, EARLIER_VALUE] = ["VXK", "not"];
const PATIENCE_MS = 5_000;
const BENCHMARK_MS = 60_000; // beside the window; an interpreter takes some times as long as is asked for

const COLUMNS: readonly Column[] = [
  { key: "cpu", title: "CPU µs", digits: 2 },
  ...TESTS.flatMap((test) => [
    { key: `${test} rate`, title: `${test.slice(0, 4)}/s`, digits: 0 },
    { key: `${test} cpu`, title: "CPU µs", digits: 2 },
  ]),
];

async function measure(depth: number, turn: Turn): Promise<Sample> {
  const { port } = turn.server;
  await expectReplies(port, [...dialogue(depth), [["SET", KEY, EARLIER_VALUE], "+OK\r\n"]]);
  const sample = await benchmarkAll(depth, turn);
  await expectReplies(port, [...dialogue(depth), [["GET", KEY], bulk(VALUE)]]);
  return sample;
}

async function benchmarkAll(depth: number, { server, seconds, warmup }: Turn): Promise<Sample> {
  const figures: Record<string, number | null> = {};
  const perTest = REQUESTS_PER_SECOND[depth] / TESTS.length;
  const limit = BENCHMARK_MS + seconds * 10_000;
  for (const test of TESTS) {
    await benchmark({ port: server.port, test, depth, requests: perTest * warmup, limit });
    const before = server.usage();
    const requests = Math.round(perTest * seconds);
    figures[`${test} rate`] = await benchmark({ port: server.port, test, depth, requests, limit });
    const after = server.usage();
    figures[`${test} cpu`] = before && after && (after.cpu - before.cpu) / requests * 1e6;
  }
  const costs = TESTS.map((test) => figures[`${test} cpu`]);
  figures.cpu = costs.includes(null)
    ? null
    : costs.reduce((sum: number, cost) => sum + cost!, 0) / costs.length;
  return { figures };
}

/** One test of redis-benchmark. */
interface Benchmark {
  readonly port: number;
  readonly test: string;
  readonly depth: number;
  readonly requests: number;
  /** Milliseconds; without a reply it would wait for ever. */
  readonly limit: number;
}

/** Runs one test; gives the requests per second. */
async function benchmark({ port, test, depth, requests, limit }: Benchmark): Promise<number> {
  const args = ["-p", port, "-t", test, "-P", depth, "-n", Math.ceil(requests), "--csv"].map(String);
  const signal = AbortSignal.timeout(limit);
  const { stdout } = await new Deno.Command("redis-benchmark", { args, signal }).output();
  if (signal.aborted) throw new Error(`redis-benchmark waited in vain for replies to its ${test}`);
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  const rate = Number(lines.at(-1)!.split(",")[1]?.replaceAll('"', ""));
  if (rate > 0) return rate;
  throw new Error(`redis-benchmark says: ${lines.at(-1)}`);
}

/** The words of a request, and the bytes that must answer it. */
type Exchange = readonly [request: readonly string[], reply: string];

/** As many of each request as redis-benchmark has in flight on a connection, with keys and values as long as its own. */
function dialogue(depth: number): Exchange[] {
  return Array.from({ length: depth }, (_, n): Exchange[] => {
    const [key, value] = [`check:${String(n).padStart(10, "0")}`, String(100 + n)];
    return [[["PING"], "+PONG\r\n"], [["SET", key, value], "+OK\r\n"], [["GET", key], bulk(value)]];
  }).flat();
}

function bulk(value: string): string {
  return `$${value.length}\r\n${value}\r\n`;
}

/** Sends all requests at once; throws unless the replies are what they must be, and nothing more comes. */
async function expectReplies(port: number, exchanges: readonly Exchange[]): Promise<void> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await expectAtOnce(conn, exchanges);
  await expectAtOnce(conn, [[["PING"], "+PONG\r\n"]]); // a reply too many would come before this one
}

async function expectAtOnce(conn: Deno.TcpConn, exchanges: readonly Exchange[]): Promise<void> {
  const requests = exchanges.map(([words]) => `*${words.length}\r\n${words.map(bulk).join("")}`);
  await writeAll(conn, new TextEncoder().encode(requests.join("")));
  const due = exchanges.reduce((sum, [, reply]) => sum + reply.length, 0);
  const replies = await readReplies(conn, due);
  let at = 0;
  for (const [words, reply] of exchanges) {
    const came = replies.slice(at, at += reply.length);
    if (came === reply) continue;
    throw new Error(`"${words.join(" ")}" was answered with ${JSON.stringify(came)}`);
  }
  if (replies.length > due) throw new Error("more than the replies came");
}

/** What comes, with room for one byte too many; less where the server hangs up, or says nothing for long. */
async function readReplies(conn: Deno.TcpConn, due: number): Promise<string> {
  const buffer = new Uint8Array(due + 1);
  let length = 0;
  const tooLate = setTimeout(() => conn.close(), PATIENCE_MS);
  try {
    for (let n; length < due && (n = await conn.read(buffer.subarray(length))) !== null;) length += n;
  } catch {
    // It was too late, or reset: what is missing will be told.
  } finally {
    clearTimeout(tooLate);
  }
  return new TextDecoder("latin1").decode(buffer.subarray(0, length));
}

function pipelined(depth: number): Case {
  return {
    title: `${depth} at a time`,
    columns: COLUMNS,
    leading: "cpu",
    promise: PROMISE,
    warmup: 1.5, // a protocol and a store have more code to be compiled than an echo
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
