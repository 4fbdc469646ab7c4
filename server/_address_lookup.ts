/**
 * Host names to addresses, and the permission for both.
 *
 * @module
 */
import { formatHostPort } from "./address.ts";

/** Whether it is an IP address, and no name. */
export function isAddress(hostname: string): boolean {
  return /^[\d.]+$/.test(hostname) || hostname.includes(":");
}

/**
 * The address of a host.
 *
 * @throws {Deno.errors.NotCapable} without the permission for the name, which `node:dns` calls EPERM
 */
export async function lookUpAddress(hostname: string): Promise<string> {
  if (isAddress(hostname)) return hostname;
  assertPermitted(hostname);
  return (await process.getBuiltinModule("node:dns").promises.lookup(hostname)).address;
}

/**
 * Asks for the permission before `node:dgram` does: the refusal that it throws comes out of a callback of its own, where
 * nobody can catch it, and ends the process.
 */
export function assertPermitted(hostname: string, port?: number): void {
  const host = port === undefined ? hostname : formatHostPort({ hostname, port });
  if (Deno.permissions.requestSync({ name: "net", host }).state === "granted") return;
  throw new Deno.errors.NotCapable(`Requires net access to "${host}", run again with the --allow-net flag`);
}
