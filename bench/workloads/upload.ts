/**
 * Receiving a file: a client uploads 1 GiB in the plain dialogue, and waits until the server has hung up. What was stored
 * is compared with what was sent afterwards, outside of the measured time.
 */

import { contest, type Turn } from "../contest.ts";
import type { Sample } from "../workload.ts";
import {
  COLUMNS,
  expectContent,
  measureTransfer,
  PROMISE,
  SIZE,
  TITLE,
  writeAll,
  writeContent,
} from "./transfer.ts";

const NAME = "large";
const LONGEST_REPLY = 200; // a sentence that says why not
const NEWLINE = 10;

async function measure({ server, workshop }: Turn): Promise<Sample> {
  const path = `${workshop.folder("uploads")}/${NAME}`;
  await removeIfThere(path); // of a turn that was broken off: it must not vouch for this one
  try {
    const sample = await measureTransfer(server, send);
    await expectStored(path);
    return sample;
  } finally {
    await removeIfThere(path);
  }
}

async function send(conn: Deno.TcpConn): Promise<void> {
  await writeAll(conn, new TextEncoder().encode(`put|${NAME}|${SIZE}\n`));
  const reply = await readReply(conn);
  if (reply !== "ready\n") throw new Error(`${JSON.stringify(reply)} came in place of "ready"`);
  await writeContent(conn);
  await conn.closeWrite();
  const more = await readReply(conn); // nothing but the end, which says that the file is whole
  if (more !== "") throw new Error(`${JSON.stringify(more)} came after the content`);
}

/** A line, or what came in place of a whole one. */
async function readReply(conn: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(LONGEST_REPLY);
  let length = 0;
  while (length < buffer.length && buffer[length - 1] !== NEWLINE) {
    const n = await conn.read(buffer.subarray(length));
    if (n === null) break;
    length += n;
  }
  return new TextDecoder().decode(buffer.subarray(0, length));
}

async function expectStored(path: string): Promise<void> {
  try {
    using file = await Deno.open(path);
    await expectContent(file);
  } catch (error) {
    throw new Error(`what was sent was not stored: ${(error as Error).message}`, { cause: error });
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

export default contest({
  name: "upload",
  title: "Receiving a file",
  service: "upload",
  cases: [{ title: TITLE, columns: COLUMNS, leading: "rate", promise: PROMISE, roundsFactor: 2, measure }],
});
