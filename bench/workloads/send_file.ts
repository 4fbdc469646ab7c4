/** Sending a file: a client asks for 1 GiB that the system has in memory. */

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

let made: Promise<string> | undefined;

/** The file, made once; it goes when the benchmark ends. */
async function makeFile(): Promise<string> {
  const path = await Deno.makeTempFile({ prefix: "switchboard_bench_" });
  addEventListener("unload", () => Deno.removeSync(path));
  using file = await Deno.open(path, { write: true });
  const piece = makePiece();
  for (let size = 0; size < SIZE; size += piece.length) await writeAll(file, piece);
  return path;
}

async function measure({ server }: Turn): Promise<Sample> {
  const path = await (made ??= makeFile());
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  return await measureTransfer(server, async () => {
    await writeAll(conn, new TextEncoder().encode(`${path}\n`));
    return await countToEnd(conn);
  });
}

export default contest({
  name: "send_file",
  title: "Sending a file",
  service: "send_file",
  cases: [{ title: TITLE, columns: COLUMNS, leading: "rate", promise: PROMISE, measure }],
});
