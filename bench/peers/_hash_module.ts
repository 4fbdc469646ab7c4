// Work for a processor: each line is answered with the SHA-256 of the line and two million bytes of padding, which
// takes about a millisecond. A handler module, so that workers can load it.

import { createHash } from "node:crypto";
import type { Connection } from "../../mod.ts";

const PADDING = new Uint8Array(2_000_000);

/** The line's digest, in hexadecimal. */
export function digest(line: string): string {
  return createHash("sha256").update(line).update(PADDING).digest("hex");
}

/** Answers every line with its digest. */
export default async function hash(conn: Connection): Promise<void> {
  for await (const line of conn.lines()) await conn.sendAll(`${digest(line)}\n`);
}
