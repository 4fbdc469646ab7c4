/**
 * Sending files, piece by piece.
 *
 * @module
 */
import type { Outbound } from "./_outbound.ts";

/** What `Connection.sendFile` can be told. */
export interface SendFileOptions {
  /**
   * Where in the file to begin, in bytes.
   *
   * @default {undefined} the beginning; with an open file, its position
   */
  offset?: number;
  /**
   * How many bytes to send. A file that has fewer is an error.
   *
   * @default {undefined} to the end of the file
   */
  count?: number;
  /**
   * Told after every piece that the kernel has taken. What it throws ends the call.
   *
   * @param sent bytes so far
   * @param total bytes that there will be; `undefined` for what has no size, such as a pipe
   */
  onProgress?: (sent: number, total: number | undefined) => void;
  /** Gives up, and closes the connection: the peer would take what comes next for the rest of the file. */
  signal?: AbortSignal;
}

/** A bare loop is fastest from 512 KiB on, and this is all the memory that a file of any size takes. */
const PIECE = 524_288;

/**
 * Sends a file, or a part of one. See `Connection.sendFile`.
 *
 * @returns how many bytes were sent
 */
export async function sendFile(
  outbound: Outbound,
  file: string | URL | Deno.FsFile,
  options: SendFileOptions,
): Promise<number> {
  checkRange(options);
  const { signal } = options;
  // Before the file is opened, which takes time: what is sent after this call goes out behind the file.
  await outbound.hold(signal);
  const aborted = () => outbound.giveUp(signal!.reason);
  if (signal?.aborted) aborted();
  else signal?.addEventListener("abort", aborted);
  try {
    // A pipe may bring nothing for ever: nobody waits for it whose connection is over.
    return await outbound.whileHeld(openAndSend(outbound, file, options));
  } finally {
    signal?.removeEventListener("abort", aborted);
    outbound.release();
  }
}

async function openAndSend(
  outbound: Outbound,
  file: string | URL | Deno.FsFile,
  options: SendFileOptions,
): Promise<number> {
  if (!isPath(file)) return await sendOpenFile(outbound, file, "the file", options);
  using opened = await Deno.open(file);
  return await sendOpenFile(outbound, opened, `"${file}"`, options);
}

async function sendOpenFile(
  outbound: Outbound,
  file: Deno.FsFile,
  name: string,
  options: SendFileOptions,
): Promise<number> {
  const { offset, count = 0 } = options;
  const total = await measure(file, name, options);
  if (offset !== undefined) await file.seek(offset, Deno.SeekMode.Start);
  const sent = await sendPieces(outbound, file, total, options);
  if (sent < count) throw endedEarly(name, sent, count);
  return sent;
}

/** Reads and writes in turn, with one buffer. */
async function sendPieces(
  outbound: Outbound,
  file: Deno.FsFile,
  total: number | undefined,
  { count = Infinity, onProgress }: SendFileOptions,
): Promise<number> {
  const buffer = new Uint8Array(Math.min(PIECE, count, total || PIECE));
  let sent = 0;
  while (sent < count) {
    const n = await file.read(buffer.subarray(0, Math.min(buffer.length, count - sent)));
    if (n === null) break;
    await outbound.writeHeld(buffer.subarray(0, n));
    sent += n;
    onProgress?.(sent, total);
  }
  return sent;
}

/**
 * How many bytes there will be, as far as can be known.
 *
 * @throws {Deno.errors.UnexpectedEof} if it is known that there are fewer than were asked for: nothing is
 * sent then
 */
async function measure(
  file: Deno.FsFile,
  name: string,
  { offset, count }: SendFileOptions,
): Promise<number | undefined> {
  const { isFile, isDirectory, size } = await file.stat();
  if (isDirectory) throw new Deno.errors.IsADirectory(`Cannot send ${name}: it is a folder`);
  if (!isFile || size === 0) return count; // a pipe, a device, or one of the files of /proc, which say 0
  const start = offset ?? await file.seek(0, Deno.SeekMode.Current);
  const there = Math.max(0, size - start);
  if (count !== undefined && count > there) throw tooShort(name, start, count, size);
  return count ?? there;
}

function checkRange({ offset, count }: SendFileOptions): void {
  for (const [name, value] of Object.entries({ offset, count })) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) continue;
    throw new RangeError(`Cannot send a file with the ${name} ${value}: expected a whole number from 0`);
  }
}

function isPath(file: string | URL | Deno.FsFile): file is string | URL {
  return typeof file === "string" || file instanceof URL;
}

function tooShort(name: string, start: number, count: number, size: number): Error {
  return new Deno.errors.UnexpectedEof(
    `Cannot send ${count} bytes of ${name} from byte ${start} on: it has ${size}; nothing was sent`,
  );
}

function endedEarly(name: string, sent: number, count: number): Error {
  return new Deno.errors.UnexpectedEof(`${name} ended early: ${sent} of ${count} bytes were sent`);
}
