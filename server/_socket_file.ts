/**
 * The file of a Unix socket: made without a race, taken over only from the dead, removed only if it is ours.
 *
 * @module
 */

import { LONGEST_PATH } from "./address.ts";

/** How a socket file is to be made. */
export interface SocketFileOptions {
  /** Its permissions. */
  mode: number;
  /** Whether a file that a dead process left may be replaced. */
  reclaim: boolean;
  /** Whether somebody answers at the path; called for socket files only. */
  answers: (path: string) => Promise<boolean>;
}

/** A bound socket and how to remove its file. */
export interface SocketFile<L> {
  /** What `bind` gave. */
  listener: L;
  /** Removes the file if it is still the one that was made here. */
  remove: () => void;
}

/**
 * Binds under a temporary name, sets the permissions, and renames: so the socket is never reachable with other
 * permissions, and the path is never without one while an old one is replaced.
 *
 * A lock file is held meanwhile: of several processes that start at once, one makes or takes over the file, and the
 * others find that it answers.
 *
 * @param bind binds a socket at the path that it is given
 * @throws {Deno.errors.AddrInUse} if the path is taken and may not be taken over
 */
export async function makeSocketFile<L extends { close(): void }>(
  path: string,
  { mode, reclaim, answers }: SocketFileOptions,
  bind: (path: string) => L | Promise<L>,
): Promise<SocketFile<L>> {
  const file = absolute(path);
  const temporary = await temporaryName(path);
  using _lock = await lock(`${temporary}.lock`);
  await assertFree(path, reclaim, answers);
  if (lookUp(temporary)?.isSocket && !(await answers(temporary))) Deno.removeSync(temporary); // of one that died here
  for (let left = RETRIES;; left--) {
    const listener = await bind(temporary);
    try {
      Deno.chmodSync(temporary, mode);
      const { ino, dev } = Deno.lstatSync(temporary);
      Deno.renameSync(temporary, path);
      return { listener, remove: () => removeIfOurs(file, ino, dev) };
    } catch (error) {
      listener.close();
      removeIfSocket(temporary);
      if (left === 0 || !(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

/**
 * A predecessor that closes at this very moment unlinks the name that it once bound, which is ours now: then it is bound
 * again.
 */
const RETRIES = 2;

/** Long enough to be nobody else's, and hexadecimal, so that it is no longer in bytes. */
const TEMPORARY_LENGTH = 12;

/**
 * The name under which the socket of a path is bound before it gets its own: in the same folder, the same for the same path
 * and for no other. It is short, as the system limits the length of what is bound.
 */
export async function temporaryName(path: string): Promise<string> {
  const at = path.lastIndexOf("/") + 1;
  const [folder, name] = [path.slice(0, at), path.slice(at)];
  const encoder = new TextEncoder();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(name)));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const room = Math.min(TEMPORARY_LENGTH, LONGEST_PATH - encoder.encode(folder).length);
  return folder + (room > 1 ? `~${hex.slice(0, room - 1)}` : hex[0] === name ? "~" : hex[0]);
}

async function assertFree(
  path: string,
  reclaim: boolean,
  answers: SocketFileOptions["answers"],
): Promise<void> {
  const found = lookUp(path);
  if (!found) return;
  if (!found.isSocket) throw new Deno.errors.AddrInUse(`${path} exists and is not a socket`);
  if (await answers(path)) throw new Deno.errors.AddrInUse(`another process answers at ${path}`);
  if (!reclaim) {
    throw new Deno.errors.AddrInUse(
      `${path} was left by a process that is gone; use reclaim to take it over`,
    );
  }
}

function lookUp(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The same file although the process changes its folder later. */
function absolute(path: string): string {
  try {
    return path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
  } catch {
    return path; // it may not know where it is: then it will not go elsewhere either
  }
}

function removeIfSocket(path: string): void {
  if (lookUp(path)?.isSocket) Deno.removeSync(path);
}

function removeIfOurs(path: string, ino: number | null, dev: number): void {
  const found = lookUp(path);
  if (found && found.ino === ino && found.dev === dev) Deno.removeSync(path);
}

/**
 * An exclusive lock that the kernel gives back when its holder dies. Its file is removed under the lock; who then gets a
 * lock on a removed file tries again on the one that is there.
 */
async function lock(path: string): Promise<Disposable> {
  for (;;) {
    const file = Deno.openSync(path, { create: true, write: true, read: true, mode: 0o600 });
    try {
      await file.lock(true);
      if (isAt(path, file)) return { [Symbol.dispose]: () => unlock(path, file) };
    } catch (error) {
      file.close();
      throw error;
    }
    file.close();
  }
}

function isAt(path: string, file: Deno.FsFile): boolean {
  const [held, found] = [file.statSync(), lookUp(path)];
  return found !== undefined && found.ino === held.ino && found.dev === held.dev;
}

function unlock(path: string, file: Deno.FsFile): void {
  Deno.removeSync(path);
  file.close();
}
