/** One large transfer: how fast, at what cost, and how much memory the server grows by. */

import type { Server } from "../server.ts";
import type { Bound, Column, Sample } from "../workload.ts";

/** Bytes of one transfer. */
export const SIZE = 2 ** 30;
export const TITLE = "1 GiB over loopback";
export const PROMISE: Bound = { of: "ratio", atLeast: 0.9, margin: 0.2 };
export const COLUMNS: readonly Column[] = [
  { key: "rate", title: "MB/s", digits: 0 },
  { key: "cpu", title: "CPU ms", digits: 0 },
  { key: "growth", title: "MB grown", digits: 1 },
];

const PIECE = 2 ** 20;
const LOOK_MS = 20;

/** Measures a transfer; it resolves to the bytes that went. */
export async function measureTransfer(server: Server, transfer: () => Promise<number>): Promise<Sample> {
  const [cpu, memory] = [server.usage()?.cpu, server.residentKilobytes()];
  let peak = memory;
  const looking = setInterval(() => peak = Math.max(peak ?? 0, server.residentKilobytes() ?? 0), LOOK_MS);
  try {
    const started = performance.now();
    const bytes = await transfer();
    const seconds = (performance.now() - started) / 1000;
    if (bytes !== SIZE) throw new Error(`${bytes} of ${SIZE} bytes went`);
    const after = server.usage()?.cpu;
    return {
      figures: {
        rate: bytes / 1e6 / seconds,
        cpu: cpu === undefined || after === undefined ? null : (after - cpu) * 1000,
        growth: memory === null ? null : (Math.max(peak!, server.residentKilobytes()!) - memory) / 1024,
      },
    };
  } finally {
    clearInterval(looking);
  }
}

/** A piece of a file: no two of its bytes in a row are the same. */
export function makePiece(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: PIECE }, (_, i) => i * 31 >> (i & 7));
}

/** Writes all of `bytes`. */
export async function writeAll(
  to: { write(p: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await to.write(bytes.subarray(written));
}

/** Reads to the end and counts. */
export async function countToEnd(conn: Deno.Conn): Promise<number> {
  const buffer = new Uint8Array(PIECE);
  let count = 0;
  for (let n; (n = await conn.read(buffer)) !== null;) count += n;
  return count;
}
