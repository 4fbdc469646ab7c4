/**
 * The process of one connection: its pipes, and its end.
 *
 * @module
 */
import { OutputPipe } from "./_exec_output_pipe.ts";

/** How a child is asked to end. */
export interface ChildOptions {
  /** The signal. */
  killSignal: Deno.Signal;
  /** How long to wait before the signal that cannot be refused, in milliseconds. */
  killTimeout: number;
}

/** A process whose end is somebody's business: it is ended by whoever asks, and by the end of this process at the latest. */
export class Child {
  /** Its standard output. */
  readonly stdout: OutputPipe;
  /** Its standard error, where somebody wants it. */
  readonly stderr: OutputPipe | undefined;
  /** Resolves when it has ended, and nothing of it is left in the system's table. */
  readonly status: Promise<Deno.CommandStatus>;
  readonly #options: ChildOptions;
  readonly #process: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  #deaf = false;
  #ended = false;
  #asked = false;
  #patience: ReturnType<typeof setTimeout> | undefined;

  /** Starts it. Throws what the system says to that. */
  constructor(command: Deno.Command, options: ChildOptions) {
    this.#options = options;
    this.#process = command.spawn();
    this.#stdin = this.#process.stdin.getWriter();
    this.#stdin.closed.catch(ignore); // what is not taken is not wanted
    this.stdout = new OutputPipe(this.#process.stdout);
    const stderr = stderrOf(this.#process);
    this.stderr = stderr && new OutputPipe(stderr);
    this.status = this.#reap();
    enlist(this);
  }

  /** The number of the process. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Whether it was asked to end. */
  get asked(): boolean {
    return this.#asked;
  }

  /**
   * Resolves when the pipe has taken all of it; or when nobody reads that pipe any more: then this and what follows are
   * thrown away.
   */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.#deaf) return;
    try {
      await this.#stdin.write(chunk);
    } catch {
      this.#deaf = true; // it has closed its input, or ended
    }
  }

  /** Ends its input, behind what is on its way. */
  endInput(): void {
    if (this.#deaf) return;
    this.#deaf = true;
    this.#stdin.close().catch(ignore); // it has closed it itself
  }

  /** Nobody is there any more: ends its pipes, asks it to end, and insists after a while. */
  hangUp(): void {
    if (this.#ended || this.#asked) return;
    this.#asked = true;
    this.endInput();
    this.#signal(this.#options.killSignal);
    this.#patience = setTimeout(() => this.#signal("SIGKILL"), this.#options.killTimeout);
  }

  /** Ends it now. */
  kill(): void {
    this.#asked = true;
    this.#signal("SIGKILL");
  }

  async #reap(): Promise<Deno.CommandStatus> {
    const status = await this.#process.status;
    this.#ended = true;
    clearTimeout(this.#patience);
    strike(this);
    this.endInput();
    return status;
  }

  #signal(signal: Deno.Signal): void {
    if (this.#ended) return;
    try {
      if (mayKillGroups()) Deno.kill(-this.pid, signal);
      else this.#process.kill(signal);
    } catch {
      // it has ended this very moment: its status is on its way
    }
  }
}

/** Deno asks for the permission to run everything before it sends a signal to any process but a child. */
function mayKillGroups(): boolean {
  return Deno.build.os !== "windows" && Deno.permissions.querySync({ name: "run" }).state === "granted";
}

/** The getter throws where the stream is not a pipe. */
function stderrOf(process: Deno.ChildProcess): ReadableStream<Uint8Array<ArrayBuffer>> | undefined {
  try {
    return process.stderr;
  } catch {
    return undefined; // it is this process's own
  }
}

/** Who would be left behind if this process ended now. */
const living: Set<Child> = new Set();

function enlist(child: Child): void {
  if (living.size === 0) globalThis.addEventListener("unload", killAll);
  living.add(child);
}

function strike(child: Child): void {
  living.delete(child);
  if (living.size === 0) globalThis.removeEventListener("unload", killAll);
}

/** `Deno.exit` too comes by here. */
function killAll(): void {
  for (const child of living) child.kill();
}

function ignore(): void {}
