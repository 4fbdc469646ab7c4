/** Where a run is kept: the file of `--json` and the folder of `--plot`. */

import { reasonOf, UsageError } from "./complaint.ts";
import type { Options } from "./options.ts";
import { writePlots } from "./plot/gallery.ts";
import { originOf, type Record, writeRecord } from "./record.ts";
import { complain } from "./terminal.ts";

/** The destinations that the command line names, if any. */
export class Destinations {
  readonly #json: string | undefined;
  readonly #plot: string | undefined;

  constructor({ json, plot }: Pick<Options, "json" | "plot">) {
    this.#json = json;
    this.#plot = plot;
  }

  /** Throws `UsageError` if one of them cannot be written: better now than after ten minutes. */
  async tryOut(): Promise<void> {
    if (this.#json !== undefined) await tryFile(this.#json);
    if (this.#plot !== undefined) await tryFolder(this.#plot);
  }

  /** Keeps a run in each of them, and says where that failed; `false` if it failed anywhere. */
  async keep(record: Record): Promise<boolean> {
    const [json, plot] = [this.#json, this.#plot];
    const kept = [
      json === undefined || await isDone(`--json ${json}`, () => writeRecord(json, record)),
      plot === undefined || await isDone(`--plot ${plot}`, () => draw(plot, record)),
    ];
    return kept.every((done) => done);
  }

  /** Keeps what there is of a run that is about to be cut off; at once, and without drawings. */
  keepUnfinished(record: Record): void {
    if (this.#json === undefined || record.reports.length === 0) return;
    const names = record.reports.map(({ workload }) => workload).join(", ");
    try {
      writeRecord(this.#json, record);
      complain(`What was measured until now is in ${this.#json}: ${names}.`);
    } catch (error) {
      complain(notWritten(`--json ${this.#json}`, error));
    }
  }
}

async function isDone(destination: string, write: () => void | Promise<void>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    complain(notWritten(destination, error));
    return false;
  }
}

async function draw(folder: string, record: Record): Promise<void> {
  const { length } = await writePlots(folder, record.reports, originOf(record));
  complain(`${length || "No"} ${length === 1 ? "drawing is" : "drawings are"} in ${folder}.`);
}

function notWritten(destination: string, error: unknown): string {
  return `${destination} cannot be written: ${reasonOf(error)}`;
}

async function tryFile(path: string): Promise<void> {
  try {
    const info = await infoOf(path);
    if (info === null) await makeAndRemove(path);
    else if (info.isFifo) return; // its reader would take the end of the trial for the end of the file
    else if (info.isCharDevice) await Deno.writeTextFile(path, "\n"); // which JSON may begin with
    else (await Deno.open(path, { write: true })).close();
  } catch (error) {
    throw new UsageError(`${notWritten(`--json ${path}`, error)}; name a file in a folder that is there`);
  }
}

async function tryFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true });
    await makeAndRemove(await Deno.makeTempFile({ dir: path, prefix: "trial_" }));
  } catch (error) {
    throw new UsageError(`${notWritten(`--plot ${path}`, error)}; name a folder, which need not be there`);
  }
}

async function infoOf(path: string): Promise<Deno.FileInfo | null> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** Writes something, as a full disk allows a file that is empty. */
async function makeAndRemove(path: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, "\n");
  } finally {
    await Deno.remove(path).catch(() => {}); // it was not even made
  }
}
