/** Receiving a file: a client uploads 1 GiB in the plain dialogue, and waits until the server has hung up. */

import { contest, type Turn } from "../contest.ts";
import type { Sample } from "../workload.ts";
import {
  COLUMNS,
  countToEnd,
  makePiece,
  measureTransfer,
  PROMISE,
  SIZE,
  TITLE,
  writeAll,
} from "./transfer.ts";

async function measure({ server }: Turn): Promise<Sample> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const piece = makePiece();
  return await measureTransfer(server, async () => {
    await writeAll(conn, new TextEncoder().encode(`put|large|${SIZE}\n`));
    await conn.read(new Uint8Array(16)); // "ready"
    let sent = 0;
    for (; sent < SIZE; sent += piece.length) await writeAll(conn, piece);
    await conn.closeWrite();
    await countToEnd(conn); // the end: the file is whole
    return sent;
  });
}

export default contest({
  name: "upload",
  title: "Receiving a file",
  service: "upload",
  cases: [{ title: TITLE, columns: COLUMNS, leading: "rate", promise: PROMISE, measure }],
});
