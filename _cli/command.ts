/**
 * Whether a command can be run, without running it.
 *
 * @module
 */

/**
 * Throws an error of one line if there is no such command, or if it may not be run.
 *
 * @param program a path, or a name that `PATH` leads to
 * @param env its environment, as it will be run
 */
export function findCommand(program: string, env: Record<string, string>): void {
  if (isPath(program)) assertExecutable(program);
  try {
    startNowhere(program, env);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw notAllowed(program, error);
    if (isNowhere(error)) return;
    throw new Deno.errors.NotFound(
      `Cannot run ${program}: PATH leads to no such program; a file is written with its path, as ./${program}`,
      { cause: error },
    );
  }
}

function isPath(program: string): boolean {
  return program.includes("/") || (Deno.build.os === "windows" && program.includes("\\"));
}

/** With a permission to read it one can look; else the first client will tell. */
function assertExecutable(path: string): void {
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return;
  const { accessSync, constants, statSync } = process.getBuiltinModule("node:fs");
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new Deno.errors.NotFound(`Cannot run ${path}: there is no such file`);
  if (!stat.isFile()) throw new Deno.errors.PermissionDenied(`Cannot run ${path}: it is no file`);
  try {
    accessSync(path, constants.X_OK);
  } catch (cause) {
    throw new Deno.errors.PermissionDenied(`Cannot run ${path}: it is not executable; chmod +x ${path}`, {
      cause,
    });
  }
}

/**
 * Starts it in a folder that cannot be, as one below a file: it is looked for, the permissions are asked for, and the
 * start fails before anything of it runs.
 */
function startNowhere(program: string, env: Record<string, string>): void {
  const cwd = `${Deno.execPath()}/nowhere`;
  new Deno.Command(program, { cwd, env, clearEnv: true, stdin: "null", stdout: "null", stderr: "null" })
    .spawn();
}

/** Whether nothing but the folder was missing. What the system says has a number; that there is no program is Deno's word. */
function isNowhere(error: unknown): boolean {
  return !(error instanceof Deno.errors.NotFound) || /No such cwd|os error/.test(error.message);
}

/** A variable that steers how programs are loaded (`LD_PRELOAD`) takes the permission to run everything. */
function notAllowed(program: string, cause: Error): Error {
  const flag = /\b(LD|DYLD)_/.test(cause.message) ? "--allow-run" : `--allow-run=${program}`;
  return new Deno.errors.NotCapable(`Cannot run ${program}: permission is missing, run with ${flag}`, {
    cause,
  });
}
