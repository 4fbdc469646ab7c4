/**
 * Ports that several workers listen on.
 *
 * @module
 */
import type { CrewAddress } from "../_crew.ts";

/** Where workers are to listen. */
export interface Place {
  hostname: string;
  port: number;
}

/**
 * The port, chosen if any will do. It is bound for a moment the plain way: workers that share a port would share it with
 * any other program that does, too, and a free one has to be known before the first of them is started.
 *
 * @throws what binding throws: the address is in use, not of this machine, not permitted
 */
export function choosePort({ hostname, port }: CrewAddress): Place {
  const listener = Deno.listen({ hostname, port });
  const { addr } = listener;
  listener.close();
  return { hostname: addr.hostname, port: addr.port };
}

/**
 * Holds the socket that threads share while they listen: whatever happens to them, clients find somebody to queue with.
 * Undocumented in Deno, and asked for by trying.
 *
 * @throws {Deno.errors.NotSupported} where threads cannot share a socket
 */
export function holdLoadBalanced(hostname: string, { port }: Place): Deno.TcpListener {
  const options = { hostname, port, tcpBacklog: 4096, loadBalanced: true };
  const held = Deno.listen(options);
  try {
    Deno.listen(options).close();
    return held;
  } catch (cause) {
    held.close();
    throw new Deno.errors.NotSupported("threads cannot share a listening socket here", { cause });
  }
}
