/**
 * What a pool and its threads say to each other.
 *
 * @module
 */
import type { PackedError } from "./_remote_error.ts";

/** What a pool says. */
export type PoolOrder =
  /** First of all: the module with the tasks, and what messages call it. */
  | { load: string; name: string }
  /** Call the task once for each list of arguments, in order. */
  | { task: number; name: string; calls: unknown[][] }
  /** End, as soon as the event loop turns. */
  | { end: true };

/** What a thread says. */
export type PoolWord =
  | { ready: true }
  /** The module does not load, for a reason of one line. */
  | { unable: string; error: PackedError }
  | { task: number; results: unknown[] }
  | { task: number; error: PackedError }
  /** An error that nobody caught, while there was a task: the thread ends. */
  | { uncaught: PackedError };
