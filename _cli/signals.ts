/**
 * The signals that end a server: the first asks, the second insists.
 *
 * @module
 */

/** What the system calls the wish that a program ends, with its numbers. */
export const SIGNALS: Partial<Record<Deno.Signal, number>> = Deno.build.os === "windows"
  ? { SIGINT: 2, SIGBREAK: 21 }
  : { SIGINT: 2, SIGTERM: 15 };

/**
 * How long to wait for the same signal to come again, in milliseconds: a Ctrl-C reaches every process of a terminal, and
 * `deno task` sends its own on to the server. Nothing is to be seen of the first signal before that, so whoever sends a
 * second one because he has seen the first at work is not taken for an echo.
 */
const ECHO = 50;

/** How long a signal may be under way to whoever waits for it, in milliseconds. */
export const SIGNAL_DELAY: number = 3 * ECHO;

/**
 * Resolves to the first signal that asks the program to end. The second ends it at once, with the exit code that shells
 * give to a program which a signal has ended.
 */
export function endingSignal(): Promise<Deno.Signal> {
  const { promise, resolve } = Promise.withResolvers<Deno.Signal>();
  let asked = false;
  let told = false;
  for (const [signal, number] of Object.entries(SIGNALS) as [Deno.Signal, number][]) {
    Deno.addSignalListener(signal, () => {
      if (told) Deno.exit(128 + number);
      if (asked) return;
      asked = true;
      setTimeout(() => {
        told = true;
        resolve(signal);
      }, ECHO);
    });
  }
  return promise;
}
