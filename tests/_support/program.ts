/**
 * A program of the project as a child process: started, waited for by what it prints, ended.
 *
 * @module
 */
import { lines } from "../../server/framing/lines.ts";
import { within } from "./deadline.ts";

/** No program of a test is silent for longer before it says what is waited for, in milliseconds. */
const PATIENCE = 60_000;

const ROOT = new URL("../../", import.meta.url);

/** What a {@linkcode Program} is started with. */
export interface ProgramOptions {
  /** Arguments of the program. */
  args?: string[];
  /** Flags of `deno run`. @default {["-A"]} */
  flags?: string[];
  /** A program that starts it: gets the whole command line behind its own arguments. */
  starter?: string[];
}

/** A running `deno run FILE`, its output line by line. */
export class Program {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: AsyncIterator<string>;
  readonly #errors: Promise<string>;
  /** What it has printed and somebody has waited past. */
  readonly printed: string[] = [];

  /** Starts a file, named from the project's root. */
  constructor(file: string, { args = [], flags = ["-A"], starter = [] }: ProgramOptions = {}) {
    const run = [Deno.execPath(), "run", "--quiet", ...flags, new URL(file, ROOT).href, ...args];
    const [program, ...rest] = [...starter, ...run];
    this.#child = new Deno.Command(program, {
      args: rest,
      cwd: ROOT,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1" },
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = lines().decode(this.#child.stdout)[Symbol.asyncIterator]();
    this.#errors = new Response(this.#child.stderr).text();
  }

  /** The process's number. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Waits for a line that matches, and gives the match. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const { value, done } = await within(this.#output.next(), `a line like ${pattern}`, PATIENCE);
      if (done) {
        throw new Error(
          `ended without a line like ${pattern}: ${this.printed.join("\n")}\n${await this.#errors}`,
        );
      }
      this.printed.push(value);
      const match = pattern.exec(value);
      if (match) return match;
    }
  }

  /** Waits for "listening on tcp://127.0.0.1:PORT" and gives the address. */
  async address(): Promise<{ transport: "tcp"; hostname: string; port: number }> {
    const [, hostname, port] = await this.until(/listening on tcp:\/\/([\d.]+):(\d+)/);
    return { transport: "tcp", hostname, port: Number(port) };
  }

  /** Types a line. */
  async type(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(line + "\n"));
  }

  /** Ends its standard input. */
  async closeInput(): Promise<void> {
    await this.#input.close();
  }

  /** Sends a signal. */
  kill(signal: Deno.Signal = "SIGTERM"): void {
    this.#child.kill(signal);
  }

  /** Waits for its end; everything that it printed and nobody has waited past, and how it ended. */
  async end(): Promise<{ code: number; output: string[]; errors: string }> {
    const output: string[] = [];
    for (let next; !(next = await this.#output.next()).done;) output.push(next.value);
    const [{ code }, errors] = [await this.#child.status, await this.#errors];
    await this.#input.close().catch(() => {}); // closed by the test, or gone with the process
    return { code, output, errors };
  }

  /** Ends it now, at the end of an `await using` block; harmless if it has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // it has ended already
    }
    await this.end();
  }
}
