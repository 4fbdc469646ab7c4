/** The load: our own generators in C, or the slower one in TypeScript where there is no Linux or no C compiler. */

import { Child, type Command } from "./child.ts";
import { readUsage, type Usage } from "./meter.ts";
import type { Server } from "./server.ts";
import type { Sample } from "./workload.ts";
import { MissingToolError, type Workshop } from "./workshop.ts";

/** The generators, each a file in `load/`. */
export type Tool = "exchange" | "connect" | "idle" | "udp";

/** The languages that the generators are written in. */
export type Language = "c" | "typescript";

/** What a generator prints last. Times are in seconds, latencies in µs. */
export interface LoadReport {
  readonly operations: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly slowest: number;
  /** By how much the generator was behind its own schedule, 99 times of 100; 0 where it had none. */
  readonly late: number;
  /** Latencies at the shares in {@linkcode CURVE_SHARES}. */
  readonly curve: readonly number[];
  readonly lost: number;
  readonly errors: number;
  readonly firstError: string;
}

/** What came of a burst of connects, or of one exchange on each connection. */
export interface StepReport {
  readonly operations: number;
  readonly seconds: number;
  readonly errors: number;
  readonly firstError: string;
}

/** Lengths of the warm-up and of the measured window, in seconds. */
export interface Lengths {
  readonly warmup: number;
  readonly seconds: number;
}

/** Which shares of all operations the curve of a report is made of; `load.h` and `load.ts` know them too. */
export const CURVE_SHARES: readonly number[] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999, 1];

const LATE_READING = 0.05; // of the window
const GRACE_MS = 30_000; // for all that is not the window: connecting, settling, waiting for late replies

/** Puts servers under load. */
export class Generator {
  readonly language: Language;
  /** What the user should know of it. */
  readonly remark: string | null;
  readonly #commands: Readonly<Record<Tool, Command>>;

  private constructor(language: Language, commands: Readonly<Record<Tool, Command>>, remark: string | null) {
    this.language = language;
    this.remark = remark;
    this.#commands = commands;
  }

  /** Prepares the generators in one language, or in C where it can be had. */
  static async prepare(workshop: Workshop, language?: Language): Promise<Generator> {
    if (language === "typescript") return Generator.#inTypeScript(workshop, "as was asked for");
    try {
      return await Generator.#inC(workshop);
    } catch (error) {
      if (language === "c" || !(error instanceof MissingToolError)) throw error;
      return Generator.#inTypeScript(workshop, `as the other ${error.message}`);
    }
  }

  static async #inC(workshop: Workshop): Promise<Generator> {
    if (Deno.build.os !== "linux") {
      throw new MissingToolError("needs Linux, for its epoll");
    }
    return new Generator("c", {
      exchange: await workshop.c("load/exchange.c"),
      connect: await workshop.c("load/connect.c"),
      idle: await workshop.c("load/idle.c"),
      udp: await workshop.c("load/udp.c"),
    }, null);
  }

  static async #inTypeScript(workshop: Workshop, why: string): Promise<Generator> {
    return new Generator(
      "typescript",
      {
        exchange: await workshop.deno("load/load.ts", "exchange"),
        connect: await workshop.deno("load/load.ts", "connect"),
        idle: await workshop.deno("load/load.ts", "idle"),
        udp: await workshop.deno("load/load.ts", "udp"),
      },
      `The load comes from the slower generator, in TypeScript, ${why}. Where it is the limit, there is no ratio.`,
    );
  }

  /** Starts a generator and leaves it to the caller, who has half a minute to finish with it. */
  start(tool: Tool, server: Server, args: readonly (number | string)[], seconds = 0): Child {
    const { program, args: first } = this.#commands[tool];
    const command = { program, args: [...first, String(server.port), ...args.map(String)] };
    return new Child(command, seconds * 1000 + GRACE_MS);
  }

  /** Runs a generator for a warm-up and a window; any wrong or lost reply is an error. */
  async load(
    tool: Tool,
    server: Server,
    args: readonly (number | string)[],
    { warmup, seconds }: Lengths,
  ): Promise<Sample> {
    await using child = this.start(tool, server, [...args, warmup, seconds], warmup + seconds);
    const read = (): Reading => ({
      at: performance.now(),
      server: server.usage(),
      own: readUsage(child.pid),
    });
    await expectLine(child, "measuring");
    const before = read();
    await expectLine(child, "measured");
    const after = read();
    const report = await readReport<LoadReport>(child);
    return toSample(report, server.cores, before, after);
  }
}

/** Reads the JSON line that ends a step of a generator; errors in it are thrown. */
export async function readReport<R extends StepReport>(child: Child): Promise<R> {
  const line = await child.nextLine();
  if (line === null) throw new Error(`the generator ended early: ${child.complaints || "it was cut off"}`);
  const report: R = JSON.parse(line);
  if (report.errors > 1) throw new Error(`${report.errors} errors, the first: ${report.firstError}`);
  if (report.errors > 0) throw new Error(report.firstError);
  return report;
}

async function expectLine(child: Child, expected: string): Promise<void> {
  const line = await child.nextLine();
  if (line === expected) return;
  throw new Error(`the generator did not say "${expected}": ${child.complaints || line || "it was cut off"}`);
}

/** What both sides had used at a moment, in milliseconds. */
interface Reading {
  readonly at: number;
  readonly server: Usage | null;
  readonly own: Usage | null;
}

function between(before: Usage | null, after: Usage | null): Usage | null {
  return before && after && { cpu: after.cpu - before.cpu, waited: after.waited - before.waited };
}

/**
 * A sample of the generator's report and of what was read around its window. On a busy machine the readings may come late:
 * shares are of the time between them, and where that is not the window's there is no CPU time for an operation.
 */
export function toSample(report: LoadReport, serverCores: number, before: Reading, after: Reading): Sample {
  const { operations, seconds, p50, p99, p999, slowest, late, lost, curve } = report;
  if (operations === 0) throw new Error("no reply came during the whole window");
  const span = (after.at - before.at) / 1000;
  const server = between(before.server, after.server);
  const generator = between(before.own, after.own);
  const rate = operations / seconds;
  const isOfWindow = Math.abs(span - seconds) <= LATE_READING * seconds;
  const cpu = server && isOfWindow ? server.cpu / span / rate * 1e6 : null;
  return {
    figures: { rate, cpu, p50, p99, p999, slowest: slowest / 1000, late, lost },
    curve,
    shares: {
      server: server && server.cpu / span,
      serverWaited: server && server.waited / span,
      serverCores,
      generator: report.cpuSeconds / seconds,
      generatorWaited: generator && generator.waited / span,
    },
  };
}
