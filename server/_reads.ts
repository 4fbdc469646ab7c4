/**
 * The reads that want more than what happens to be there. None of them loses a byte when it fails: what had come stays.
 *
 * @module
 */
import { indexOfBytes } from "./framing/_byte_search.ts";
import { FrameTooLargeError } from "./framing/errors.ts";
import { ignore, type Inbound } from "./_inbound.ts";

/** What a single read can be told. */
export interface ReadOptions {
  /** Ends the wait with the signal's reason. No byte is lost: the next read goes on. */
  signal?: AbortSignal;
}

/** What `readUntil` and `readLine` can be told. */
export interface ReadUntilOptions extends ReadOptions {
  /**
   * The most bytes before the delimiter.
   *
   * @default {65_536}
   */
  limit?: number;
}

/** What `copyTo` can be told. */
export interface CopyOptions extends ReadOptions {
  /**
   * How many bytes to copy.
   *
   * @default {Infinity} to the end
   */
  count?: number;
}

/** Reads beyond this are collected outside the connection's buffer. */
const LARGE_READ = 65_536;
const DEFAULT_LIMIT = 65_536;
const NEWLINE = new Uint8Array([10]);
const CR = 13;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Waits for more bytes than there are; `false` at the end. */
export async function fill(inbound: Inbound, signal?: AbortSignal): Promise<boolean> {
  const before = inbound.buffer.length;
  await inbound.wait(ignore, signal);
  return inbound.buffer.length > before;
}

/** See `Connection.readExactly`. */
export async function readExactly(
  inbound: Inbound,
  n: number,
  options?: ReadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!Number.isInteger(n) || n < 0) {
    throw new RangeError(`Cannot read exactly ${n} bytes: expected a whole number from 0`);
  }
  const { buffer } = inbound;
  inbound.assertFree();
  if (n > LARGE_READ) return await readLarge(inbound, n, options);
  while (buffer.length < n) {
    if (!(await fill(inbound, options?.signal))) throw inbound.raise(endedEarly(buffer.length, n));
  }
  return buffer.take(n);
}

/** Copies as bytes come, so that the buffer need not grow to `n`; puts them back if the rest does not come. */
async function readLarge(
  inbound: Inbound,
  n: number,
  options?: ReadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { buffer } = inbound;
  const bytes = new Uint8Array(n);
  let filled = 0;
  try {
    for (;;) {
      filled += buffer.copyInto(bytes.subarray(filled));
      if (filled === n) return bytes;
      if (!(await fill(inbound, options?.signal))) throw inbound.raise(endedEarly(filled, n));
    }
  } catch (error) {
    buffer.unread(bytes.subarray(0, filled));
    throw error;
  }
}

/** See `Connection.readUntil`. */
export async function readUntil(
  inbound: Inbound,
  delimiter: Uint8Array | string,
  options: ReadUntilOptions = {},
): Promise<Uint8Array<ArrayBuffer> | null> {
  const mark = typeof delimiter === "string" ? encoder.encode(delimiter) : delimiter;
  if (mark.length === 0) throw new RangeError("Cannot read until a delimiter of no bytes");
  const end = await find(inbound, mark, options);
  const { buffer } = inbound;
  if (end !== undefined) return buffer.take(end);
  if (buffer.length === 0) return null;
  throw inbound.raise(
    new Deno.errors.UnexpectedEof(
      `the peer has sent its end after ${buffer.length} bytes of an unfinished part`,
    ),
  );
}

/** See `Connection.readLine`. */
export async function readLine(inbound: Inbound, options: ReadUntilOptions = {}): Promise<string | null> {
  const { buffer } = inbound;
  const { limit = DEFAULT_LIMIT } = options;
  const end = await find(inbound, NEWLINE, options, 1); // a "\r" before the "\n" does not count
  if (end === undefined && buffer.length === 0) return null;
  const view = buffer.view();
  let length = end === undefined ? view.length : end - 1;
  if (view[length - 1] === CR) length--;
  if (length > limit) throw new FrameTooLargeError(length, limit);
  return decoder.decode(buffer.take(end ?? view.length).subarray(0, length));
}

/** Where the first `mark` in the buffer ends, waiting for it to come; `undefined` if the end comes first. */
async function find(
  inbound: Inbound,
  mark: Uint8Array,
  { limit = DEFAULT_LIMIT, signal }: ReadUntilOptions,
  slack = 0,
): Promise<number | undefined> {
  const { buffer } = inbound;
  inbound.assertFree();
  for (let from = 0;;) {
    const view = buffer.view();
    const at = indexOfBytes(view, mark, from);
    if (at > limit + slack || (at < 0 && view.length >= limit + slack + mark.length)) {
      throw new FrameTooLargeError(at < 0 ? limit + 1 : at, limit);
    }
    if (at >= 0) return at + mark.length;
    from = Math.max(0, view.length - mark.length + 1); // the mark may be split over chunks
    if (!(await fill(inbound, signal))) return undefined;
  }
}

/** See `Connection.peek`. */
export async function peek(
  inbound: Inbound,
  atLeast: number,
  options?: ReadOptions,
): Promise<Uint8Array<ArrayBuffer> | null> {
  if (!(atLeast >= 1 && atLeast <= LARGE_READ)) {
    throw new RangeError(`Cannot peek at ${atLeast} bytes: expected 1 to ${LARGE_READ}`);
  }
  const { buffer } = inbound;
  inbound.assertFree();
  while (buffer.length < atLeast && await fill(inbound, options?.signal));
  return buffer.length > 0 ? buffer.view().slice() : null;
}

/** Takes a chunk that is lent to it. */
type Sink = (chunk: Uint8Array<ArrayBuffer>) => unknown;

/** See `Connection.copyTo`. */
export async function copyTo(
  inbound: Inbound,
  sink: Sink,
  { count = Infinity, signal }: CopyOptions = {},
): Promise<number> {
  if (count !== Infinity && !(Number.isSafeInteger(count) && count >= 0)) {
    throw new RangeError(`Cannot copy ${count} bytes: expected a whole number from 0`);
  }
  inbound.buffer.beginCopy(count);
  try {
    let copied = 0;
    while (copied < count && (inbound.buffer.length > 0 || await fill(inbound, signal))) {
      copied += await lendTo(inbound, sink, count - copied);
    }
    return copied;
  } finally {
    inbound.buffer.endCopy();
  }
}

async function lendTo(inbound: Inbound, sink: Sink, most: number): Promise<number> {
  inbound.assertFree();
  const chunk = inbound.buffer.lend(most);
  let used = 0;
  try {
    await sink(chunk);
    return used = chunk.length;
  } finally {
    inbound.buffer.takeBack(used);
    if (used === 0) inbound.watcher?.();
  }
}

function endedEarly(had: number, wanted: number): Error {
  return new Deno.errors.UnexpectedEof(`the peer has sent its end after ${had} of ${wanted} bytes`);
}
