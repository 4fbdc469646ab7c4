/**
 * Waiting for something to change.
 *
 * @module
 */

/** A condition variable of one event loop: who waits looks again after every {@linkcode Condition.notify}. */
export class Condition {
  readonly #waiting = new Set<(notified: boolean) => void>();

  /** Waits for the next notification; `false` if `ms` milliseconds (none: as long as it takes) passed first. */
  changed(ms?: number): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (notified: boolean): void => {
        clearTimeout(timer);
        this.#waiting.delete(settle);
        resolve(notified);
      };
      const timer = ms === undefined ? undefined : setTimeout(() => settle(false), ms);
      this.#waiting.add(settle);
    });
  }

  /** Wakes all who wait. */
  notify(): void {
    if (this.#waiting.size > 0) { for (const settle of [...this.#waiting]) settle(true); }
  }
}
