/**
 * Waiting for somebody else's callbacks, but not for ever.
 *
 * @module
 */

/** How long a reactor's end waits for callbacks that have not come back, in milliseconds. */
const PATIENCE = 1_000;

/** Waits for protocols whose connections are closed; one whose callback never comes back must not hold up the end. */
export async function settledSoon(speaking: Iterable<Promise<unknown>>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, PATIENCE);
  await Promise.race([Promise.allSettled(speaking), late.promise]);
  clearTimeout(timer);
}
