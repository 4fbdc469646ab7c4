/**
 * Another time of day.
 *
 * @module
 */

/** Calls `fn` while the clock stands at `now`, in milliseconds since the epoch. For what asks before it first waits. */
export function at<T>(now: number, fn: () => T): T {
  const RealDate = Date;
  class StoppedDate extends RealDate {
    constructor(...args: [] | [number]) {
      super(args[0] ?? now);
    }
    static override now(): number {
      return now;
    }
  }
  globalThis.Date = StoppedDate as DateConstructor;
  try {
    return fn();
  } finally {
    globalThis.Date = RealDate;
  }
}
