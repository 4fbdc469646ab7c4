/** One large transfer: its content, how fast it goes, at what cost, and how much memory the server grows by. */

import { Buffer } from "node:buffer";
import type { Server } from "../server.ts";
import type { Bound, Column, Sample } from "../workload.ts";

/** Bytes of one transfer. */
export const SIZE = 2 ** 30;
/** The most bytes that are sent, received or compared at once. */
export const PIECE = 2 ** 20;
export const TITLE = "1 GiB over loopback";
export const PROMISE: Bound = { of: "ratio", atLeast: 0.9, margin: 0.2 };
export const COLUMNS: readonly Column[] = [
  { key: "rate", title: "MB/s", digits: 0 },
  { key: "cpu", title: "CPU ms", digits: 0 },
  { key: "growth", title: "MB grown", digits: 1 },
];

/**
 * After how many bytes the content begins again: a prime, so that a block which is lost, sent twice or moved differs from
 * what belongs to its place. Blocks have round sizes, and none of these is a multiple.
 */
const PERIOD = 1_048_573;
const LOOK_MS = 20;
const LIMIT_MS = 120_000; // ten times what a slow disk takes; a server that has stopped is not waited for

const CONTENT = makeContent();

/** What stands from a byte on, in everything that is transferred; at most a piece of it. */
export function contentAt(offset: number, length: number): Uint8Array<ArrayBuffer> {
  const start = offset % PERIOD;
  return CONTENT.subarray(start, start + length);
}

/** Random bytes, always the same; so much more than a period that a piece from any byte of it is in one place. */
function makeContent(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(PERIOD + PIECE);
  let random = 2_463_534_242;
  for (let i = 0; i < PERIOD; i++) {
    random ^= random << 13, random ^= random >>> 17, random ^= random << 5;
    bytes[i] = random;
  }
  bytes.copyWithin(PERIOD, 0, PIECE);
  return bytes;
}

/**
 * Measures a transfer, from its first word to when it resolves; what it throws fails the turn. It has a connection to the
 * server, and two minutes.
 */
export async function measureTransfer(
  server: Server,
  transfer: (conn: Deno.TcpConn) => Promise<void>,
): Promise<Sample> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  let late = false;
  const limit = setTimeout(() => (late = true, conn.close()), LIMIT_MS);
  const [cpu, memory] = [server.usage()?.cpu, server.residentKilobytes()];
  let peak = memory;
  const looking = setInterval(() => peak = Math.max(peak ?? 0, server.residentKilobytes() ?? 0), LOOK_MS);
  try {
    const started = performance.now();
    await transfer(conn);
    const seconds = (performance.now() - started) / 1000;
    const after = server.usage()?.cpu;
    return {
      figures: {
        rate: SIZE / 1e6 / seconds,
        cpu: cpu === undefined || after === undefined ? null : (after - cpu) * 1000,
        growth: memory === null ? null : (Math.max(peak!, server.residentKilobytes()!) - memory) / 1024,
      },
    };
  } catch (error) {
    if (late) throw new Error(`it was not over after ${LIMIT_MS / 1000} seconds`, { cause: error });
    throw error;
  } finally {
    clearInterval(looking);
    clearTimeout(limit);
  }
}

/** Writes all of `bytes`. */
export async function writeAll(
  to: { write(p: Uint8Array): Promise<number> },
  bytes: Uint8Array,
): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await to.write(bytes.subarray(written));
}

/** Writes the whole content. */
export async function writeContent(to: { write(p: Uint8Array): Promise<number> }): Promise<void> {
  for (let at = 0; at < SIZE; at += PIECE) await writeAll(to, contentAt(at, PIECE));
}

/**
 * Reads to the end; throws unless it was the whole content and nothing else. Comparing is left to `memcmp`, which costs
 * some hundredths of what receiving the same bytes does: the client must not set the pace.
 */
export async function expectContent(from: { read(p: Uint8Array): Promise<number | null> }): Promise<void> {
  const buffer = new Uint8Array(PIECE);
  let at = 0;
  for (let n; (n = await from.read(buffer)) !== null; at += n) {
    if (at + n > SIZE) throw new Error(`more than the ${SIZE} bytes of the file came`);
    const due = contentAt(at, n);
    if (Buffer.compare(buffer.subarray(0, n), due) === 0) continue;
    const wrong = due.findIndex((byte, i) => byte !== buffer[i]);
    throw new Error(`byte ${at + wrong} is not the one that the file has there`);
  }
  if (at < SIZE) throw new Error(`${at} of the file's ${SIZE} bytes came`);
}
