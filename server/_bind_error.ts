/**
 * What the system says when a socket cannot be opened, with the address and the way out.
 *
 * @module
 */
import { AddressError, HandlerModuleError, WorkerError } from "./errors.ts";
import { flagsToAdd, type Permissions } from "./permissions.ts";

/**
 * The same class of error with one line that names the attempt, the address and what would help.
 *
 * A name that is not found gets the `code` `"ENOTFOUND"`, as in `node:dns`.
 *
 * @param attempt for example `"listen on tcp://127.0.0.1:80"`
 * @param needed the permissions that the attempt needs
 */
export function socketError(error: unknown, attempt: string, needed: Permissions): unknown {
  if (!(error instanceof Error) || saysItAll(error)) return error;
  const because = reason(error, needed);
  const ErrorClass = error.constructor as new (
    message: string,
    options: ErrorOptions,
  ) => Error & { code?: string };
  const told = new ErrorClass(`Cannot ${attempt}: ${because}`, { cause: error });
  const code = isNameUnknown(error) ? "ENOTFOUND" : (error as { code?: string }).code;
  if (code !== undefined) told.code = code;
  return told;
}

const TELLING = [AddressError, HandlerModuleError, WorkerError];

/** Whether it is the kit's own. Deno's refusals all begin alike. */
function saysItAll(error: Error): boolean {
  if (error instanceof Deno.errors.NotCapable) return !error.message.startsWith("Requires ");
  return TELLING.some((known) => error instanceof known);
}

/** Deno gives neither a class nor a code to it; Linux, macOS and Windows say it each in their own words. */
function isNameUnknown({ message }: Error): boolean {
  return /Name or service not known|nodename nor servname provided|No such host is known/.test(message);
}

/** Deno ends what the system says with its number; what the kit says itself says more, and stays. */
function isSystems(error: Error): boolean {
  return /\(os error \d+\)/.test(error.message);
}

function reason(error: Error, needed: Permissions): string {
  if (error instanceof Deno.errors.NotCapable) return `permission is missing, run with ${flagsToAdd(needed)}`;
  if (error instanceof Deno.errors.AddrInUse && isSystems(error)) return "the address is in use";
  if (error instanceof Deno.errors.AddrNotAvailable) return "the address is not one of this machine";
  if (error instanceof Deno.errors.PermissionDenied) return "the system does not allow it to this user";
  if (error instanceof Deno.errors.ConnectionRefused) return "nobody listens there";
  if (error instanceof Deno.errors.NotFound) return "there is no such file or directory";
  if (isNameUnknown(error)) return "there is no host of this name";
  return error.message.replace(/\.?\s*$/, "");
}
