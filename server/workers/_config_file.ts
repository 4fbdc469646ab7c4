/**
 * Deno's configuration, which says what bare names in imports mean.
 *
 * @module
 */

/**
 * The flag that gives a child process the configuration that its handler has in this one; none where its own flags say which.
 *
 * Deno looks for none itself, as the child's program is no file. One that this process may not read cannot be given.
 */
export function configFlag(handler: string, flags: readonly string[]): string[] {
  if (flags.some((flag) => /^(-c|--config|--no-config)(=|$)/.test(flag))) return [];
  const file = configFileOf(handler);
  return file === undefined ? [] : [`--config=${file}`];
}

/** The file that a handler has: that of its own folder or one above, or else this program's. */
export function configFileOf(handler: string): string | undefined {
  return (handler.startsWith("file:") ? findUpwards(folderOf(handler)) : undefined) ?? findConfigFile();
}

/**
 * The file that `deno run` finds for this program: from the main module's folder upwards, or from the working directory where
 * that is no file. `undefined` if there is none, or it may not be read.
 */
export function findConfigFile(): string | undefined {
  return findUpwards(Deno.mainModule.startsWith("file:") ? folderOf(Deno.mainModule) : Deno.cwd());
}

function findUpwards(from: string): string | undefined {
  const { dirname, join } = process.getBuiltinModule("node:path");
  for (let folder = from;; folder = dirname(folder)) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const file = join(folder, name);
      if (isFile(file)) return file;
    }
    if (dirname(folder) === folder) return undefined;
  }
}

function folderOf(url: string): string {
  const { fileURLToPath } = process.getBuiltinModule("node:url");
  return process.getBuiltinModule("node:path").dirname(fileURLToPath(url));
}

function isFile(path: string): boolean {
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return false; // do not ask
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false; // it is not there
  }
}
