/**
 * Archives of tar.
 *
 * @module
 */

/** A file of an archive. */
export interface ArchivedFile {
  /** Its path. */
  path: string;
  /** What it holds. */
  bytes: Uint8Array<ArrayBuffer>;
}

/** Everything comes in blocks of so many bytes: a header, and then the file. */
const BLOCK = 512;

/** The files of an archive with paths of at most 100 bytes: the first form, which all others extend. */
export function unpack(tar: Uint8Array<ArrayBuffer>): ArchivedFile[] {
  const files: ArchivedFile[] = [];
  for (let at = 0; tar[at];) {
    const size = parseInt(text(tar, at + 124, 12), 8);
    const [begin, type] = [at + BLOCK, text(tar, at + 156, 1)];
    if (type !== "0" && type !== "") throw new TypeError(`No file, but an entry of type ${type}`);
    files.push({ path: text(tar, at, 100), bytes: tar.slice(begin, begin + size) });
    at = begin + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

/** Text ends at the first zero. */
function text(tar: Uint8Array, at: number, length: number): string {
  return new TextDecoder().decode(tar.subarray(at, at + length)).replace(/\0.*$/s, "");
}
