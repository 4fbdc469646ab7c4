/**
 * What handlers leave behind: a promise that nobody awaits, a timer that throws.
 *
 * @module
 */
import { complain, oneLineWithPlace } from "./terminal.ts";

/** Lets such errors be told in a line each and end nothing: Deno would end the process, and every connection with it. */
export function surviveStrayErrors(): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    complain(`A promise that nobody awaits was rejected: ${oneLineWithPlace(event.reason)}`);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    complain(`Nobody caught an error: ${oneLineWithPlace(event.error ?? event.message)}`);
  });
}
