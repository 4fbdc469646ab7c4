/**
 * Where a worker runs, as its server sees it.
 *
 * @module
 */
import type { Link, Order, Word } from "./_messages.ts";

/** A thread or a process that is starting or running. */
export interface Host extends Link<Order, Word> {
  /** How messages call it, for example `"process 4711"`. */
  readonly name: string;
  /** Resolves when it is no more, with the reason; never rejects. */
  readonly gone: Promise<string>;
  /** Whether it has ended; `gone` tells when all that it has said has arrived. */
  readonly over: boolean;
  /** Ends it now. */
  kill(): void;
  /** Whether it runs on, although it was ended: a thread that waits in the kernel, for a file say, until it returns from there. */
  readonly lingers: boolean;
  /** Lets it keep this process alive. */
  ref(): void;
  /** Lets this process end although it runs. */
  unref(): void;
}

/** Starts one. */
export type Launch = () => Host;
