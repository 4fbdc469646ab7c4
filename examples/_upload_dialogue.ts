/**
 * The client's side of the dialogue that handlers/upload.ts describes, with a check.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Connection } from "@switchboard/kit";

/** How long to wait for a busy server at last, in milliseconds. */
const LONGEST_PAUSE = 10_000;

/** A file that is to be uploaded. */
export interface LocalFile {
  /** Where it is. */
  path: string;
  /** Under which name it is to be stored. */
  name: string;
  /** Its length in bytes. */
  size: number;
  /** Its SHA-256, in hexadecimal. */
  sha256: string;
}

/** The server does not want the file; to try again would not help. */
export class RefusedError extends Error {}

/** Measures a file and computes its hash, piece by piece. */
export async function describe(path: string): Promise<LocalFile> {
  using file = await Deno.open(path);
  const hash = createHash("sha256");
  let size = 0;
  const piece = new Uint8Array(1_048_576);
  for (let n; (n = await file.read(piece)) !== null; size += n) hash.update(piece.subarray(0, n));
  return { path, name: path.replace(/^.*[/\\]/, ""), size, sha256: hash.digest("hex") };
}

/**
 * Uploads a file, from where an earlier attempt was broken off.
 *
 * @param onProgress told how many bytes of the file the server has, as far as this side knows
 * @throws {RefusedError} with the server's reason
 * @throws any other error when the connection breaks: another attempt goes on where this one ended
 */
export async function uploadFile(
  conn: Connection,
  { path, name, size, sha256 }: LocalFile,
  onProgress: (done: number) => void,
): Promise<void> {
  const offset = await announce(conn, `put|${name}|${size}|${sha256}\n`);
  onProgress(offset);
  try {
    await conn.sendFile(path, {
      offset,
      count: size - offset,
      onProgress: (sent) => onProgress(offset + sent),
    });
  } catch (error) {
    await answer(conn, "stored").catch(rethrowRefusal); // the server may have said why it stopped reading
    throw error;
  }
  await answer(conn, "stored");
}

/** Says what will come, again and again while the server has not noticed the end of the last connection. */
async function announce(conn: Connection, header: string): Promise<number> {
  for (let pause = 50;; pause *= 2) {
    await conn.sendAll(header);
    try {
      return Number(await answer(conn, "resume"));
    } catch (error) {
      if (!(error instanceof RefusedError) || !error.message.startsWith("busy") || pause > LONGEST_PAUSE) {
        throw error;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

async function answer(conn: Connection, expected: string): Promise<string> {
  const line = await conn.readLine();
  if (line === null) throw new Deno.errors.UnexpectedEof("the server has hung up");
  const [word, ...rest] = line.split(" ");
  if (word !== expected) throw new RefusedError(line);
  return rest.join(" ");
}

function rethrowRefusal(error: unknown): void {
  if (error instanceof RefusedError) throw error;
}
