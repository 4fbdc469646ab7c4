/**
 * A packet on the long way, from its admission to its end.
 *
 * @module
 */
import type { Permit } from "./admission.ts";
import { type Datagram, datagramControl } from "./datagram.ts";
import { ServerClosedError } from "./errors.ts";

/** Why a packet was given up before its handler was over. */
export type CutReason = "timeout" | "stopped" | "shutdown";

const SENTENCES: Record<CutReason, string> = {
  timeout: "its handler took too long",
  stopped: "the server was closed",
  shutdown: "the server's shutdown reached its deadline",
};

/** What of a packet is still under way: its place, and whoever waits for its handler. */
export class Flight {
  readonly packet: Datagram;
  /** When it was admitted, as `performance.now` has it. */
  readonly startedAt: number;
  readonly #permit: Permit;
  #cutReason: CutReason | undefined;
  #reject: ((error: unknown) => void) | undefined;

  constructor(packet: Datagram, permit: Permit) {
    this.packet = packet;
    this.#permit = permit;
    this.startedAt = performance.now();
  }

  /** Why it was given up, if it was. */
  get cutReason(): CutReason | undefined {
    return this.#cutReason;
  }

  /** Whether the server has ended over it: what its handler then throws is no failure of its own. */
  get isStopped(): boolean {
    return this.#cutReason !== undefined && this.#cutReason !== "timeout";
  }

  /** Gives it up: who waits for its handler waits no longer. */
  cut(reason: CutReason): void {
    if (this.isStopped) return;
    this.#cutReason = reason;
    const error = cutError(reason);
    datagramControl.abort(this.packet, error);
    this.#reject?.(error);
  }

  /** Waits for `work`, but no longer than the server waits for the packet. */
  async untilCut<R>(work: () => R | PromiseLike<R>): Promise<R> {
    if (this.isStopped) throw cutError(this.#cutReason!);
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    this.#reject = reject;
    try {
      // A promise that is settled already ignores what the handler throws later; it is never unhandled.
      Promise.resolve(work()).then(resolve, reject);
      return await promise;
    } finally {
      this.#reject = undefined;
    }
  }

  /** Gives the place back. */
  end(): void {
    datagramControl.end(this.packet);
    this.#permit[Symbol.dispose]();
  }
}

/** What who waits for a packet is told when it is given up. */
export function cutError(reason: CutReason): Error {
  const message = `the packet was given up: ${SENTENCES[reason]}`;
  return reason === "timeout" ? new Deno.errors.TimedOut(message) : new ServerClosedError(message);
}
