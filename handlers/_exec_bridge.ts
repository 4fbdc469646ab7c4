/**
 * A connection and a process, joined.
 *
 * @module
 */
import type { Connection } from "../server/connection.ts";
import { ConnectionClosedError } from "../server/errors.ts";
import type { Child } from "./_exec_child.ts";
import type { OutputPipe } from "./_exec_output_pipe.ts";
import { StderrLines } from "./_exec_stderr_lines.ts";
import type { ExecOptions } from "./exec.ts";

/** Carries bytes both ways until the process has ended. */
export class Bridge {
  readonly #conn: Connection;
  readonly #child: Child;
  readonly #options: ExecOptions;
  /** Aborts when nobody is left to take what the client sends. */
  readonly #over: AbortController = new AbortController();
  #failure: { error: unknown } | undefined;

  /** Joins them, from {@linkcode Bridge.run} on. */
  constructor(conn: Connection, child: Child, options: ExecOptions) {
    this.#conn = conn;
    this.#child = child;
    this.#options = options;
  }

  /** Resolves when the process has ended and what it wrote is sent; rejects with what went wrong on the way there. */
  async run(): Promise<void> {
    const child = this.#child;
    this.#conn.finished.then(() => this.#cut());
    this.#feed().catch(this.#failed); // not waited for: who holds the process's input after its end may never read
    const outputs = [this.#send(child.stdout)];
    if (child.stderr) outputs.push(this.#tell(child.stderr));
    const sent = Promise.all(outputs.map((output) => output.catch(this.#failed)));
    await child.status;
    child.stdout.expectEnd();
    child.stderr?.expectEnd();
    await sent;
    this.#over.abort();
    if (this.#failure) throw this.#failure.error;
  }

  /** What the client sends, to the process. */
  async #feed(): Promise<void> {
    const [conn, child, over] = [this.#conn, this.#child, this.#over.signal];
    const endsOnDrain = this.#options.whenDraining !== "wait";
    const signal = endsOnDrain ? AbortSignal.any([over, conn.signal]) : over;
    try {
      await conn.copyTo((chunk) => child.write(chunk), { signal });
    } catch (error) {
      if (over.aborted) return;
      if (conn.closed || error !== conn.signal.reason) throw error;
      for await (const chunk of conn) await child.write(chunk); // what the kernel holds, and no more: it drains
    }
    child.endInput();
  }

  /** What the process writes, to the client. */
  async #send(stdout: OutputPipe): Promise<void> {
    try {
      for (let chunk; (chunk = await stdout.read()) !== null;) await this.#conn.sendAll(chunk);
      await this.#conn.closeWrite();
    } finally {
      stdout.cancel();
    }
  }

  /** What the process complains of, to whoever wants to know. */
  async #tell(stderr: OutputPipe): Promise<void> {
    const lines = new StderrLines((line) => this.#options.stderr?.(line, this.#conn));
    try {
      for (let chunk; (chunk = await stderr.read()) !== null;) lines.push(chunk);
      lines.end();
    } finally {
      stderr.cancel();
    }
  }

  #failed = (error: unknown): void => {
    this.#failure ??= { error };
    this.#child.hangUp();
  };

  /** The server waits no longer: not for the process either, where its own end is near. */
  #cut(): void {
    const reason = whyClosed(this.#conn);
    if (reason === "stopped" || reason === "shutdown") this.#child.kill();
    else this.#child.hangUp();
    this.#over.abort();
    this.#child.stdout.cancel();
  }
}

/** A connection that is closed answers every call with the reason. */
function whyClosed(conn: Connection): string | undefined {
  try {
    conn.send(new Uint8Array(0));
  } catch (error) {
    if (error instanceof ConnectionClosedError) return error.reason;
  }
}
