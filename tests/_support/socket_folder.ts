/**
 * Paths for Unix sockets that no other test uses.
 *
 * @module
 */

let folder: string | undefined;
let count = 0;

/** A path that does not exist yet, in a folder that goes when the test file is over. */
export function socketPath(name = `${++count}.sock`): string {
  return `${socketFolder()}/${name}`;
}

/** The folder of this test file. */
export function socketFolder(): string {
  if (!folder) {
    folder = Deno.makeTempDirSync({ prefix: "kit" });
    addEventListener("unload", () => Deno.removeSync(folder!, { recursive: true }));
  }
  return folder;
}
