/**
 * The file of a Unix socket: made without a race, taken over only from the dead, removed only if it is ours.
 *
 * @module
 */

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
  bind: (path: string) => L,
): Promise<SocketFile<L>> {
  using _lock = await lock(`${path}.lock`);
  await assertFree(path, reclaim, answers);
  const temporary = temporaryName(path);
  removeIfSocket(temporary); // left by a process that died right here
  const listener = bind(temporary);
  try {
    Deno.chmodSync(temporary, mode);
    const { ino, dev } = Deno.lstatSync(temporary);
    Deno.renameSync(temporary, path);
    return { listener, remove: () => removeIfOurs(path, ino, dev) };
  } catch (error) {
    listener.close();
    removeIfSocket(temporary);
    throw error;
  }
}

/** As short as the path where that can be: the system limits the length of the name that is bound. */
function temporaryName(path: string): string {
  const [, folder, name] = /^(.*\/)?([^/]*)$/s.exec(path)!;
  return `${folder ?? ""}${name.length > 1 ? `~${name.slice(1)}` : `~${name}`}`;
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
