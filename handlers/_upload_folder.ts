/**
 * The folder that uploads go into.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { UploadHeader } from "./_upload_header.ts";
import { whyNotName } from "./_upload_name.ts";
import { asRefusal, Refusal } from "./_upload_refusal.ts";
import { UploadFile } from "./_upload_file.ts";

/** What a folder allows. */
export interface FolderLimits {
  /** Bytes that one file may have. */
  maxSize: number;
  /** How many files there may be, unfinished ones included. */
  maxFiles: number;
  /** Whether a file of the same name is replaced. */
  overwrite: boolean;
}

/** Unfinished uploads have names that no upload can have. */
const UNFINISHED = /^\.upload-[\da-f-]+\.part$/;
/** An unfinished upload that nobody has gone on with for so long is removed, in milliseconds. */
const KEPT = 24 * 3_600_000;

/** A folder of uploads: checks what may come in, and keeps unfinished files apart from whole ones. */
export class UploadFolder {
  readonly #path: string;
  readonly #limits: FolderLimits;

  /** Touches nothing yet; the folder is made when the first file comes. */
  constructor(path: string, limits: FolderLimits) {
    this.#path = path;
    this.#limits = limits;
  }

  /**
   * Opens the unfinished file for an upload: a new one, or, if the client told its hash, the one that an
   * earlier attempt has left.
   *
   * @throws {Refusal} if it may not come in, or cannot: then with a cause
   */
  async open(header: UploadHeader): Promise<UploadFile> {
    const { maxSize } = this.#limits;
    const wrong = whyNotName(header.name);
    if (wrong) throw new Refusal(wrong);
    if (header.size > maxSize) throw new Refusal(`a file has at most ${maxSize} bytes`);
    try {
      return await this.#open(header);
    } catch (error) {
      throw asRefusal(error);
    }
  }

  async #open(header: UploadHeader): Promise<UploadFile> {
    const { overwrite } = this.#limits;
    await Deno.mkdir(this.#path, { recursive: true });
    const path = join(this.#path, header.name);
    const replaces = await isReplaceable(path);
    if (replaces && !overwrite) throw new Refusal("there is a file of this name");
    const file = await UploadFile.open(this.#unfinishedPath(header), path, { ...header, overwrite });
    try {
      await this.#checkRoom(replaces);
      return file;
    } catch (error) {
      await file.remove();
      throw error;
    }
  }

  /**
   * The same for every attempt to upload the same content under the same name; unique where the content is
   * unknown.
   */
  #unfinishedPath({ name, size, sha256 }: UploadHeader): string {
    const key = sha256
      ? createHash("sha256").update(`${sha256}|${size}|${name}`).digest("hex").slice(0, 32)
      : crypto.randomUUID();
    return join(this.#path, `.upload-${key}.part`);
  }

  /**
   * Counts after the new file is there, so that of two that come at once for the last place not both get it.
   */
  async #checkRoom(replaces: boolean): Promise<void> {
    let count = replaces ? -1 : 0;
    for await (const { name } of Deno.readDir(this.#path)) {
      if (!UNFINISHED.test(name) || !await removeIfForgotten(join(this.#path, name))) count++;
    }
    if (count > this.#limits.maxFiles) throw new Refusal("there are too many files");
  }
}

/**
 * Whether there is a file of the name already. A link would lead out of the folder, and a folder is not to be
 * replaced.
 */
async function isReplaceable(path: string): Promise<boolean> {
  try {
    const { isFile } = await Deno.lstat(path);
    if (!isFile) throw new Refusal("the name is taken by something that is no file");
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function removeIfForgotten(path: string): Promise<boolean> {
  try {
    const { mtime } = await Deno.lstat(path);
    if (mtime === null || Date.now() - mtime.getTime() < KEPT) return false;
    await Deno.remove(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true; // finished or removed meanwhile
    throw error;
  }
}
