/**
 * The way out where an address is in use.
 *
 * @module
 */
import { getAvailablePort } from "@std/net/get-available-port";

/** The same error with a way out: a free port, the next one if it can be; for a socket's file, the flag. */
export async function withWayOut(error: Error): Promise<Error> {
  const port = await freePort(error);
  const message = error.message.replace("use reclaim", "use --reclaim");
  return new Deno.errors.AddrInUse(port ? `${message}; ${port}` : message, { cause: error });
}

async function freePort({ message }: Error): Promise<string | undefined> {
  const taken = Number(/\w:\/\/\S+:(\d+)/.exec(message)?.[1]);
  // To ask needs the permission to listen everywhere, and asking for that now would only confuse.
  const { state } = await Deno.permissions.query({ name: "net", host: "0.0.0.0" });
  if (!taken || state !== "granted") return undefined;
  return `port ${getAvailablePort({ preferredPort: taken < 65_535 ? taken + 1 : 1_024 })} is free`;
}
