/**
 * Waiting for what cannot be taken back.
 *
 * @module
 */

/** How a {@linkcode Wait} ended. */
export type WaitEnd = "settled" | "late" | "stopped";

/** One wait at a time for a promise, that ends early when time is up or when somebody says so. */
export class Wait {
  #stop: (() => void) | undefined;

  /** Waits until `promise` has settled, either way, but no longer than `ms` milliseconds (none: as long as it takes). */
  for(promise: Promise<unknown>, ms?: number): Promise<WaitEnd> {
    return new Promise((resolve) => {
      const end = (how: WaitEnd): void => {
        clearTimeout(timer);
        this.#stop = undefined;
        resolve(how);
      };
      const timer = ms === undefined ? undefined : setTimeout(() => end("late"), ms);
      this.#stop = () => end("stopped");
      promise.then(() => end("settled"), () => end("settled"));
    });
  }

  /** Ends the wait. */
  stop(): void {
    this.#stop?.();
  }
}
