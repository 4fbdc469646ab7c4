/**
 * Latency at a fixed rate below saturation. The loop is open: requests are due by the clock, whatever the server does, and
 * each counts from the moment when it was due. A closed loop, which waits for a slow server, would leave out exactly
 * the requests that would have waited.
 */

import { type Case, runContest } from "../contest.ts";
import { Server } from "../server.ts";
import { showProgress } from "../terminal.ts";
import type { Bench, Column, Report, Sample, Workload } from "../workload.ts";
import { CPU, P50, P99, P999, rateOf, SLOWEST } from "./columns.ts";

const NAME = "fixed_rate";
const TITLE = "Latency at a fixed rate";
const [CONNECTIONS, DEPTH, SIZE, CLOSED] = [64, 1, 64, 0];
/** Shares of what bare Deno can do. The slowest peers keep up with the first. */
const LIGHT = 0.1;
const BUSY = 0.5;
const SHORTEST_WARMUP = 0.4; // the generator's clock starts some time after it
const KEPT_UP = 0.98; // of the rate that was asked for
const LATE: Column = { key: "late", title: "load late µs", digits: 0 };

/** Requests per second of which bare Deno is capable with this generator. */
async function capacity(bench: Bench): Promise<number> {
  showProgress(`${NAME}: what bare Deno can do`);
  const [bare] = bench.contenders("echo");
  const { seconds } = bench;
  const args = [CONNECTIONS, DEPTH, SIZE, CLOSED];
  try {
    await using server = await Server.start(await bare.command(bench.workshop));
    const { figures } = await bench.generator.load("exchange", server, args, { seconds, warmup: seconds });
    return figures.rate!;
  } catch (error) {
    throw new Error(`nobody knows what bare Deno can do: ${(error as Error).message}`, { cause: error });
  }
}

/** The part of a case's title that does not depend on the machine. */
function nameOf(share: number): string {
  return `${Math.round(share * 100)} % of what bare Deno can do`;
}

function atShare(share: number, most: number): Case {
  const unit = 10 ** (Math.floor(Math.log10(most * share)) - 1);
  const rate = Math.max(1, Math.floor(most * share / unit)) * unit;
  const words = rate.toLocaleString("en").replaceAll(",", " ");
  const name = share === LIGHT ? "light" : "busy";
  return {
    title: `${words} requests/s, ${nameOf(share)}`,
    columns: [P50, P99, P999, SLOWEST, LATE, rateOf("requests"), CPU],
    leading: "p99",
    wanted: share === BUSY ? ["kit_function", "kit_stream_handler", "node_net", "go", "c_epoll"] : [
      "kit_function",
      "kit_stream_handler",
      "node_net",
      "python_asyncio",
      "python_threading",
      "twisted",
      "go",
      "c_epoll",
    ],
    plots: [{
      kind: "percentiles",
      name: `${NAME}_${name}`,
      title: `Echo of ${SIZE} bytes at ${words} requests a second, ${CONNECTIONS} connections`,
    }],
    measure: async ({ generator, server, seconds, warmup }) => {
      const args = [CONNECTIONS, DEPTH, SIZE, rate];
      const lengths = { seconds, warmup: Math.max(warmup, SHORTEST_WARMUP) };
      return forgetIfLate(await generator.load("exchange", server, args, lengths), rate);
    },
  };
}

/** One that does not keep up has no latencies: they only tell how long it was measured. */
function forgetIfLate(sample: Sample, asked: number): Sample {
  const { figures } = sample;
  if (figures.rate! >= asked * KEPT_UP) return sample;
  return {
    ...sample,
    curve: undefined,
    figures: { ...figures, p50: null, p99: null, p999: null, slowest: null },
  };
}

async function run(bench: Bench): Promise<Report> {
  if (bench.check || bench.contenders("echo").length === 0) {
    return { workload: NAME, title: TITLE, tables: [], missing: [] };
  }
  const most = await capacity(bench);
  const cases = [LIGHT, BUSY].map((share) => atShare(share, most));
  return await runContest({ name: NAME, title: TITLE, service: "echo", cases }, bench);
}

const fixedRate: Workload = { name: NAME, title: TITLE, cases: [LIGHT, BUSY].map(nameOf), run };
export default fixedRate;
