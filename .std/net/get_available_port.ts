/**
 * Stands for `jsr:@std/net/get-available-port`; see ../README.md.
 *
 * @module
 */

/** The options of {@linkcode getAvailablePort}. */
export interface GetAvailablePortOptions {
  /** The port to prefer. */
  preferredPort?: number;
}

/** A TCP port that is free now: the preferred one, or one that the system picks. */
export function getAvailablePort(options?: GetAvailablePortOptions): number {
  const preferred = options?.preferredPort;
  if (preferred !== undefined) {
    try {
      return probe(preferred);
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  return probe(0);
}

function probe(port: number): number {
  using listener = Deno.listen({ port });
  return (listener.addr as Deno.NetAddr).port;
}
