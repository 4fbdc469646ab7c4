/**
 * The file that `build` writes: all of it, or nothing.
 *
 * @module
 */
import { UsageError } from "./flags.ts";
import { SIGNALS } from "./signals.ts";
import { oneLine } from "./terminal.ts";

/** Where a file is made before it takes its place. */
export interface Workshop {
  /** A folder beside the output, so that what is made there can be renamed to it. */
  readonly folder: string;
  /** Aborts when a signal asks the program to end. */
  readonly signal: AbortSignal;
}

/** A file that is made. */
export interface Made {
  /** Where it is, in the workshop. */
  readonly file: string;
  /** How to start it when it is in its place. */
  readonly way: string;
}

/** A signal came before the file was made. */
export class InterruptedError extends Error {
  /** `"InterruptedError"`. */
  override readonly name = "InterruptedError";

  /** The exit code that shells give to a program which a signal has ended. */
  readonly code: number;

  constructor(signal: Deno.Signal) {
    super(`${signal} came first: nothing is written`);
    this.code = 128 + SIGNALS[signal]!;
  }
}

/**
 * Has a file made, and puts it in its place when it is whole. Whatever happens, nothing else is left behind.
 *
 * @param output the path of the file
 * @param force whether a file that is there is replaced
 * @param make makes it
 * @returns how to start it
 * @throws {InterruptedError} if a signal came first
 * @throws {Error} if the file is there, or cannot be
 */
export async function produce(
  output: string,
  force: boolean,
  make: (workshop: Workshop) => Promise<Made>,
): Promise<string> {
  await assertFree(output, force);
  using interruption = new Interruption();
  const folder = await openWorkshop(output);
  try {
    const { file, way } = await make({ folder, signal: interruption.signal });
    interruption.signal.throwIfAborted();
    await Deno.rename(file, output);
    return way;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function assertFree(output: string, force: boolean): Promise<void> {
  if (/[/\\]$/.test(output)) throw new UsageError(`-o needs the name of a file: received ${output}`);
  const there = await Deno.lstat(output).catch(() => undefined); // what is wrong with it shows when it is written
  if (there?.isDirectory) throw new Error(`Cannot write ${output}: it is a folder`);
  if (there && !force) throw new Error(`Cannot write ${output}: it is there already; --force replaces it`);
}

async function openWorkshop(output: string): Promise<string> {
  const { basename, dirname } = process.getBuiltinModule("node:path");
  try {
    return await Deno.makeTempDir({ dir: dirname(output), prefix: `.${basename(output)}-` });
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotFound
      ? `there is no folder ${dirname(output)}`
      : oneLine(cause);
    throw new Error(`Cannot write ${output}: ${why}`, { cause });
  }
}

/** Listens for the signals that end a program, until it is disposed of. */
class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #listeners = (Object.keys(SIGNALS) as Deno.Signal[]).map((signal) =>
    [signal, () => this.#controller.abort(new InterruptedError(signal))] as const
  );

  constructor() {
    for (const [signal, listener] of this.#listeners) Deno.addSignalListener(signal, listener);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) Deno.removeSignalListener(signal, listener);
  }
}
