/**
 * The line that announces an upload.
 *
 * @module
 */
import type { Connection } from "../server/connection.ts";
import { Refusal } from "./_upload_refusal.ts";

/** What a client announces. */
export interface UploadHeader {
  /** Under which name it is to be stored, unchecked. */
  name: string;
  /** How many bytes will come. */
  size: number;
  /** The SHA-256 of the whole, in lower-case hexadecimal: asks for a checked, resumable upload. */
  sha256?: string;
}

/** No header is longer, in bytes. */
const LONGEST_HEADER = 1_024;
/**
 * How long a header without a newline may go on, in milliseconds. The original dialogue has no newline: there
 * a header is over when nothing more comes. When a client writes it in two pieces, Nagle's algorithm keeps the
 * second until the first is acknowledged, which Linux puts off for 40 ms: after less, half of a size would pass
 * for the whole.
 */
const PAUSE = 50;
const NEWLINE = 10;
const BAR = "|".charCodeAt(0);

/** Words with which somebody would ask for something else than to store a file. */
const OTHER_COMMANDS = /^(get|download|retr|del|delete|rm|remove|list|ls|dir|cd|exit|quit)$/i;

/**
 * The next header of a connection. Abort loses nothing.
 *
 * @returns the header, or `null` if the client has sent its end
 * @throws {Refusal} if it is none
 */
export async function readHeader(conn: Connection, signal: AbortSignal): Promise<UploadHeader | null> {
  let seen: Uint8Array | null = await conn.peek(1, { signal });
  while (seen) {
    const length = headerLength(seen) ??
      (isWhole(seen) && !await continues(conn, seen) ? seen.length : undefined);
    if (length !== undefined) return parseHeader(await conn.readExactly(length));
    if (seen.length > LONGEST_HEADER) throw new Refusal(`a header has at most ${LONGEST_HEADER} bytes`, true);
    const more: Uint8Array | null = await conn.peek(seen.length + 1);
    if (more!.length === seen.length) throw new Refusal("the header is cut off", true);
    seen = more;
  }
  return null;
}

/** The length of a header that ends with a newline. */
function headerLength(seen: Uint8Array): number | undefined {
  const newline = seen.subarray(0, LONGEST_HEADER + 1).indexOf(NEWLINE);
  return newline < 0 ? undefined : newline + 1;
}

/** Whether it could be a whole header of the original dialogue, which has three fields. */
function isWhole(seen: Uint8Array): boolean {
  const bars = seen.reduce((count, byte) => byte === BAR ? count + 1 : count, 0);
  return bars === 2 && seen.at(-1) !== BAR && seen.length <= LONGEST_HEADER;
}

/** Whether more than `seen` comes within the pause. */
async function continues(conn: Connection, seen: Uint8Array): Promise<boolean> {
  const pause = new AbortController();
  const timer = setTimeout(() => pause.abort(), PAUSE);
  try {
    return (await conn.peek(seen.length + 1, { signal: pause.signal }))!.length > seen.length;
  } catch (error) {
    if (pause.signal.aborted) return false;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function parseHeader(bytes: Uint8Array): UploadHeader {
  const [command, name, size, sha256, ...more] = decode(bytes).replace(/\r?\n$/, "").split("|");
  if (size === undefined || more.length > 0) {
    throw new Refusal("a header is put|NAME|SIZE or put|NAME|SIZE|SHA256", true);
  }
  if (!/^\s*\w+\s*$/.test(command) || OTHER_COMMANDS.test(command.trim())) {
    throw new Refusal("files can only be put", true);
  }
  if (!/^\s*\d{1,15}\s*$/.test(size)) throw new Refusal("a size is a whole number of bytes", true);
  if (sha256 !== undefined && !/^[\da-f]{64}$/i.test(sha256)) {
    throw new Refusal("a SHA-256 has 64 hexadecimal digits", true);
  }
  return { name, size: Number(size), sha256: sha256?.toLowerCase() };
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Refusal("a header is UTF-8", true);
  }
}
