/** The load: our own generators in C, or the slower one in TypeScript where there is no Linux or no C compiler. */

import { Child, type Command } from "./child.ts";
import { readUsage, type Usage } from "./meter.ts";
import type { Server } from "./server.ts";
import type { Sample } from "./workload.ts";
import { MissingToolError, type Workshop } from "./workshop.ts";

/** The generators, each a file in `load/`. */
export type Tool = "echo" | "connect" | "idle" | "udp";

/** The languages that the generators are written in. */
export type Language = "c" | "typescript";

/** What a generator prints last. Times are in seconds, latencies in µs. */
interface LoadReport {
  readonly operations: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly slowest: number;
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

const GRACE_MS = 30_000; // for all that is not the window: connecting, settling, waiting for late replies

/** Puts servers under load. */
export class Generator {
  readonly language: Language;
  readonly #commands: Readonly<Record<Tool, Command>>;

  private constructor(language: Language, commands: Readonly<Record<Tool, Command>>) {
    this.language = language;
    this.#commands = commands;
  }

  /** Prepares the generators in one language, or in C where it can be had. */
  static async prepare(workshop: Workshop, language?: Language): Promise<Generator> {
    if (language === "typescript") return Generator.#inTypeScript(workshop);
    try {
      return await Generator.#inC(workshop);
    } catch (error) {
      if (language === "c" || !(error instanceof MissingToolError)) throw error;
      return Generator.#inTypeScript(workshop);
    }
  }

  static async #inC(workshop: Workshop): Promise<Generator> {
    if (Deno.build.os !== "linux") {
      throw new MissingToolError("the generators in C need Linux, for its epoll");
    }
    return new Generator("c", {
      echo: await workshop.c("load/echo.c"),
      connect: await workshop.c("load/connect.c"),
      idle: await workshop.c("load/idle.c"),
      udp: await workshop.c("load/udp.c"),
    });
  }

  static async #inTypeScript(workshop: Workshop): Promise<Generator> {
    return new Generator("typescript", {
      echo: await workshop.deno("load/load.ts", "echo"),
      connect: await workshop.deno("load/load.ts", "connect"),
      idle: await workshop.deno("load/load.ts", "idle"),
      udp: await workshop.deno("load/load.ts", "udp"),
    });
  }

  /** Starts a generator and leaves it to the caller, who has half a minute to finish with it. */
  start(tool: Tool, server: Server, args: readonly number[], seconds = 0): Child {
    const { program, args: first } = this.#commands[tool];
    const command = { program, args: [...first, String(server.port), ...args.map(String)] };
    return new Child(command, seconds * 1000 + GRACE_MS);
  }

  /** Runs a generator for a warm-up and a window; any wrong or lost reply is an error. */
  async load(
    tool: Tool,
    server: Server,
    args: readonly number[],
    { warmup, seconds }: Lengths,
  ): Promise<Sample> {
    await using child = this.start(tool, server, [...args, warmup, seconds], warmup + seconds);
    await expectLine(child, "measuring");
    const before = [server.usage(), readUsage(child.pid)];
    await expectLine(child, "measured");
    const after = [server.usage(), readUsage(child.pid)];
    const report = await readReport<LoadReport>(child);
    return toSample(report, between(before[0], after[0]), between(before[1], after[1]));
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

function between(before: Usage | null, after: Usage | null): Usage | null {
  return before && after && { cpu: after.cpu - before.cpu, waited: after.waited - before.waited };
}

function toSample(report: LoadReport, server: Usage | null, generator: Usage | null): Sample {
  const { operations, seconds, p50, p99, p999, slowest, lost } = report;
  if (operations === 0) throw new Error("no reply came during the whole window");
  const cpu = server && server.cpu / operations * 1e6;
  return {
    figures: { rate: operations / seconds, cpu, p50, p99, p999, slowest: slowest / 1000, lost },
    shares: {
      server: server && server.cpu / seconds,
      serverWaited: server && server.waited / seconds,
      generator: report.cpuSeconds / seconds,
      generatorWaited: generator && generator.waited / seconds,
    },
  };
}
