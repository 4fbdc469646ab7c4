/**
 * What Deno would do too late.
 *
 * @module
 */

let isDone = false;

/**
 * Lets Deno set up its handling of signals now.
 *
 * Deno 2.9.6 does it half a second after the start of a process, and panics if no descriptor is left by then: a server
 * that starts in a rush of clients would crash. Any listener makes it do it at once, in less than a millisecond; SIGURG is
 * a signal that does nothing by default.
 */
export function setUpSignals(): void {
  if (isDone || Deno.build.os === "windows") return;
  isDone = true;
  const listener = (): void => {};
  Deno.addSignalListener("SIGURG", listener);
  Deno.removeSignalListener("SIGURG", listener);
}
