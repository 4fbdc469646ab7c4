// The handler module of the kit's workers: an echo. A client that says "die" has its worker end without a word, as if
// it had been killed: the only way to see what becomes of a dead thread.

import type { Connection } from "../../mod.ts";

const DIE = "die";

/** Echoes what comes. */
export default async function echo(conn: Connection): Promise<void> {
  let chunk;
  while ((chunk = await conn.recv()) !== null) {
    if (chunk.length === DIE.length && new TextDecoder().decode(chunk) === DIE) Deno.exit(1);
    await conn.sendAll(chunk);
  }
}
