/** The server under test, in a process of its own. */

import { Child, type Command } from "./child.ts";
import { childrenOf, readFamilyKilobytes, readResidentKilobytes, readUsage, type Usage } from "./meter.ts";

const START_LIMIT_MS = 10_000;

/** A contender that listens; disposing it ends its process. */
export class Server implements AsyncDisposable {
  readonly port: number;
  /** How many cores it can use at the same time. */
  readonly cores: number;
  readonly #child: Child;

  private constructor(child: Child, port: number, cores: number) {
    this.#child = child;
    this.port = port;
    this.cores = cores;
  }

  /** Starts it and waits until it says on which port it listens. */
  static async start(command: Command, cores = 1): Promise<Server> {
    const child = new Child(command);
    const tooLate = setTimeout(() => child.kill(), START_LIMIT_MS);
    const line = await child.nextLine();
    clearTimeout(tooLate);
    const port = /^listening (\d+)$/.exec(line ?? "")?.[1];
    if (port) return new Server(child, Number(port), cores);
    await child[Symbol.asyncDispose]();
    throw new Error(`the server did not start: ${child.complaints || line || "it said nothing"}`);
  }

  /** Processor time so far. */
  usage(): Usage | null {
    return readUsage(this.#child.pid, this.cores > 1 ? "all" : "main");
  }

  /** Resident memory now. */
  residentKilobytes(): number | null {
    return readResidentKilobytes(this.#child.pid);
  }

  /** Memory of it and its children now; what they share counts once. */
  familyKilobytes(): number | null {
    return readFamilyKilobytes(this.#child.pid);
  }

  /** The processes that it has started, as they are now. */
  children(): number[] {
    return childrenOf(this.#child.pid);
  }

  /** The end of what it wrote to standard error: the first place to look when a measurement failed. */
  get complaints(): string {
    return this.#child.complaints;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
  }
}
