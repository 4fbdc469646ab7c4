/**
 * What the system says when a socket cannot be opened, with the address and the way out.
 *
 * @module
 */

/**
 * The same class of error with one line that names the attempt, the address and what would help.
 *
 * @param attempt for example `"listen on tcp://127.0.0.1:80"`
 * @param flag the permission that the attempt needs, for example `"--allow-net=127.0.0.1:80"`
 */
export function socketError(error: unknown, attempt: string, flag: string): unknown {
  if (!(error instanceof Error)) return error;
  const because = reason(error, flag);
  const ErrorClass = error.constructor as new (
    message: string,
    options: ErrorOptions,
  ) => Error & { code?: string };
  const told = new ErrorClass(`Cannot ${attempt}: ${because}`, { cause: error });
  const { code } = error as { code?: string };
  if (code !== undefined) told.code = code;
  return told;
}

function reason(error: Error, flag: string): string {
  if (error instanceof Deno.errors.NotCapable) return `permission is missing, run with ${flag}`;
  if (error instanceof Deno.errors.AddrInUse) return "the address is in use";
  if (error instanceof Deno.errors.AddrNotAvailable) return "the address is not one of this machine";
  if (error instanceof Deno.errors.PermissionDenied) return "the system does not allow it to this user";
  if (error instanceof Deno.errors.ConnectionRefused) return "nobody listens there";
  if (error instanceof Deno.errors.NotFound) return "there is no such file or directory";
  return error.message.replace(/\.?\s*$/, "");
}
