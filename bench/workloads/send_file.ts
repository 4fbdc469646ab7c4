/** Sending a file: a client asks for 1 GiB that the system has in memory, and compares every byte with the file's. */

import { contest, type Turn } from "../contest.ts";
import type { Sample } from "../workload.ts";
import type { Workshop } from "../workshop.ts";
import {
  COLUMNS,
  expectContent,
  measureTransfer,
  PROMISE,
  TITLE,
  writeAll,
  writeContent,
} from "./transfer.ts";

const made = new WeakMap<Workshop, Promise<string>>();

/** The path of the file, which is made once, and goes with the workshop. */
function fileIn(workshop: Workshop): Promise<string> {
  const path = made.get(workshop) ?? makeFile(workshop.folder("large"));
  made.set(workshop, path);
  return path;
}

async function makeFile(path: string): Promise<string> {
  using file = await Deno.open(path, { write: true, createNew: true });
  await writeContent(file);
  return path;
}

async function measure({ server, workshop }: Turn): Promise<Sample> {
  const path = await fileIn(workshop);
  return await measureTransfer(server, async (conn) => {
    await writeAll(conn, new TextEncoder().encode(`${path}\n`));
    await expectContent(conn);
  });
}

export default contest({
  name: "send_file",
  title: "Sending a file",
  service: "send_file",
  cases: [{ title: TITLE, columns: COLUMNS, leading: "rate", promise: PROMISE, roundsFactor: 2, measure }],
});
