/**
 * What the system says when a socket cannot be opened, with the address and the way out.
 *
 * @module
 */
import { AddressError } from "./errors.ts";

/**
 * The same class of error with one line that names the attempt, the address and what would help.
 *
 * A name that is not found gets the `code` `"ENOTFOUND"`, as in `node:dns`.
 *
 * @param attempt for example `"listen on tcp://127.0.0.1:80"`
 * @param flag the permission that the attempt needs, for example `"--allow-net=127.0.0.1:80"`
 */
export function socketError(error: unknown, attempt: string, flag: string): unknown {
  if (!(error instanceof Error) || error instanceof AddressError) return error;
  const because = reason(error, flag);
  const ErrorClass = error.constructor as new (
    message: string,
    options: ErrorOptions,
  ) => Error & { code?: string };
  const told = new ErrorClass(`Cannot ${attempt}: ${because}`, { cause: error });
  const code = isNameUnknown(error) ? "ENOTFOUND" : (error as { code?: string }).code;
  if (code !== undefined) told.code = code;
  return told;
}

/** Deno gives neither a class nor a code to it; Linux, macOS and Windows say it each in their own words. */
function isNameUnknown({ message }: Error): boolean {
  return /Name or service not known|nodename nor servname provided|No such host is known/.test(message);
}

/** Deno ends what the system says with its number; what the kit says itself says more, and stays. */
function isSystems(error: Error): boolean {
  return /\(os error \d+\)/.test(error.message);
}

function reason(error: Error, flag: string): string {
  if (error instanceof Deno.errors.NotCapable) return `permission is missing, run with ${flag}`;
  if (error instanceof Deno.errors.AddrInUse && isSystems(error)) return "the address is in use";
  if (error instanceof Deno.errors.AddrNotAvailable) return "the address is not one of this machine";
  if (error instanceof Deno.errors.PermissionDenied) return "the system does not allow it to this user";
  if (error instanceof Deno.errors.ConnectionRefused) return "nobody listens there";
  if (error instanceof Deno.errors.NotFound) return "there is no such file or directory";
  if (isNameUnknown(error)) return "there is no host of this name";
  return error.message.replace(/\.?\s*$/, "");
}
