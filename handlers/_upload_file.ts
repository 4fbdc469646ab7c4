/**
 * One file that is being uploaded.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { asRefusal, BusyRefusal, Refusal } from "./_upload_refusal.ts";

/** What an upload is to become. */
export interface UploadGoal {
  /** Its length in bytes. */
  size: number;
  /** The SHA-256 that it must have; without, it is neither checked nor kept when it is broken off. */
  sha256?: string;
  /** Whether a file of the same name is replaced. */
  overwrite: boolean;
}

const READ_SIZE = 1_048_576;

/**
 * An unfinished file under a temporary name. It gets its own name when it is whole, in one step, so that
 * nobody ever sees a part of it there: not even when the process is killed.
 *
 * It is locked while it is open: of two clients that upload the same thing at once, the second is refused.
 */
export class UploadFile {
  readonly #file: Deno.FsFile;
  readonly #unfinished: string;
  readonly #path: string;
  readonly #goal: UploadGoal;
  readonly #hash: Hash | undefined;
  #length = 0;

  private constructor(file: Deno.FsFile, unfinished: string, path: string, goal: UploadGoal) {
    this.#file = file;
    this.#unfinished = unfinished;
    this.#path = path;
    this.#goal = goal;
    this.#hash = goal.sha256 ? createHash("sha256") : undefined;
  }

  /**
   * Opens the file at `unfinished`, to become `path`. What is there of an earlier attempt is read for its
   * hash.
   *
   * @throws {Refusal} if somebody else is writing it
   */
  static async open(unfinished: string, path: string, goal: UploadGoal): Promise<UploadFile> {
    const upload = new UploadFile(await openLocked(unfinished), unfinished, path, goal);
    try {
      await upload.#resume();
      return upload;
    } catch (error) {
      upload.#file.close();
      throw error;
    }
  }

  /** How many bytes it has. */
  get length(): number {
    return this.#length;
  }

  /** Whether it stays when it is broken off, for a later attempt to go on. */
  get resumable(): boolean {
    return this.#goal.sha256 !== undefined;
  }

  async #resume(): Promise<void> {
    if (!this.#hash) return;
    const buffer = new Uint8Array(READ_SIZE);
    for (let n; (n = await this.#file.read(buffer)) !== null;) {
      this.#hash.update(buffer.subarray(0, n));
      this.#length += n;
    }
    if (this.#length > this.#goal.size) throw new Refusal("what is there of it is longer than it should be");
  }

  /**
   * Adds bytes; they must stay as they are until it resolves.
   *
   * @throws {Refusal} with what the system says as its cause: the disk is full, say
   */
  async write(bytes: Uint8Array): Promise<void> {
    this.#hash?.update(bytes);
    try {
      for (let n = 0; n < bytes.length;) n += await this.#file.write(bytes.subarray(n));
    } catch (error) {
      throw asRefusal(error);
    }
    this.#length += bytes.length;
  }

  /**
   * Gives the whole file its name.
   *
   * @throws {Refusal} if it is not what was announced, or the name was taken meanwhile; the file is gone then
   */
  async finish(): Promise<void> {
    try {
      if (this.#hash && this.#hash.digest("hex") !== this.#goal.sha256) {
        throw new Refusal("the SHA-256 differs");
      }
      await this.#rename();
      this.#file.close();
    } catch (error) {
      await this.remove();
      throw asRefusal(error);
    }
  }

  async #rename(): Promise<void> {
    if (this.#goal.overwrite) return await Deno.rename(this.#unfinished, this.#path);
    try {
      await Deno.link(this.#unfinished, this.#path); // as rename, but never over another file
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) throw new Refusal("there is a file of this name");
      throw error;
    }
    await Deno.remove(this.#unfinished);
  }

  /** Closes a file that was broken off: keeps it for a later attempt, if there can be one. */
  async breakOff(): Promise<void> {
    if (this.resumable && this.#length > 0) this.#file.close();
    else await this.remove();
  }

  /** Closes and removes it. */
  async remove(): Promise<void> {
    try {
      await Deno.remove(this.#unfinished);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // somebody has cleaned up
    } finally {
      this.#file.close();
    }
  }
}

/**
 * Opens, and makes sure that it is still the file of that name that was locked: its last owner may have
 * renamed it.
 */
async function openLocked(path: string): Promise<Deno.FsFile> {
  for (;;) {
    const file = await openOrCreate(path);
    if (!file) continue;
    try {
      if (!await file.tryLock(true)) throw new BusyRefusal("somebody is uploading this file");
      if (await isAt(file, path)) return file;
    } catch (error) {
      file.close();
      throw error;
    }
    file.close();
  }
}

/** Nothing if it is gone meanwhile. Not with `create`, which makes a file where a link leads to. */
async function openOrCreate(path: string): Promise<Deno.FsFile | undefined> {
  try {
    return await Deno.open(path, { read: true, write: true, createNew: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  try {
    await assertFile(path);
    return await Deno.open(path, { read: true, write: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Whether it is the file at `path`. */
async function isAt(file: Deno.FsFile, path: string): Promise<boolean> {
  try {
    const ino = await assertFile(path);
    return ino === (await file.stat()).ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Answers the number of a file.
 *
 * @throws {Refusal} if there is something else: a link, say, which would lead out of the folder
 */
async function assertFile(path: string): Promise<number | null> {
  const { ino, isFile } = await Deno.lstat(path);
  if (!isFile) throw new Refusal("its temporary name is taken");
  return ino;
}
