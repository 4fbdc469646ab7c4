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
  /** The folder that it runs in. @default the project's root */
  cwd?: string;
}

/** A command line and its surroundings, where it is no file that `deno run` runs. */
export interface ProgramCommand {
  /** The program and its arguments. */
  command: string[];
  /** The folder that it runs in. */
  cwd: string;
  /** All of its environment. */
  env: Record<string, string>;
}

function denoRun(file: string, { args = [], flags = ["-A"], starter = [] }: ProgramOptions): string[] {
  return [...starter, Deno.execPath(), "run", "--quiet", ...flags, new URL(file, ROOT).href, ...args];
}

/** A running `deno run FILE`, or another program, its output line by line. */
export class Program {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: AsyncIterator<string>;
  readonly #errors: Promise<string>;
  #said = "";
  #heard: PromiseWithResolvers<void> = Promise.withResolvers();
  /** What it has printed and somebody has waited past. */
  readonly printed: string[] = [];

  /** Starts a file, named from the project's root, or a command. */
  constructor(what: string | ProgramCommand, options: ProgramOptions = {}) {
    const isFile = typeof what === "string";
    const [program, ...args] = isFile ? denoRun(what, options) : what.command;
    this.#child = new Deno.Command(program, {
      args,
      cwd: isFile ? options.cwd ?? ROOT : what.cwd,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      env: isFile ? { NO_COLOR: "1" } : what.env,
      clearEnv: !isFile,
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = lines().decode(this.#child.stdout)[Symbol.asyncIterator]();
    this.#errors = this.#collect(this.#child.stderr);
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

  async #collect(stream: ReadableStream<Uint8Array>): Promise<string> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#said += text;
      this.#heard.resolve();
      this.#heard = Promise.withResolvers();
    }
    return this.#said;
  }

  /** Waits until what it has written on standard error matches. */
  async untilSaid(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#said)) {
      await within(this.#heard.promise, `${pattern} on standard error: ${this.#said}`, PATIENCE);
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
