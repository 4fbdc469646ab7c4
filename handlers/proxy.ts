/**
 * A proxy: what comes in goes to another endpoint, and the other way round.
 *
 * @module
 */
import type { EndpointLike } from "../server/address.ts";
import { parseEndpoint } from "../server/address.ts";
import { connect, type ConnectOptions } from "../server/connect.ts";
import type { Connection } from "../server/connection.ts";
import { isPeerGone } from "../server/errors.ts";
import type { StreamHandler } from "../server/handler.ts";
import { connectPermissions, type Permissions } from "../server/permissions.ts";
import type { HandlerSettings, SettingValues } from "../server/settings.ts";
import { readTime, readWholeNumber } from "./_setting_values.ts";

/** How a proxy connects to the other side: everything that `connect` takes. */
export interface ProxyOptions extends Omit<ConnectOptions, "signal"> {
  /** The other side: `"tcp://…"`, `"tls://…"` or `"unix:…"`. */
  to: EndpointLike;
}

/**
 * What the command line may tell: `serve proxy --to ENDPOINT`.
 *
 * @example
 * ```ts
 * import { configure, settings } from "@switchboard/kit/handlers/proxy";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * assertEquals(Object.keys(settings), ["to", "connect-timeout", "retries"]);
 * assertThrows(() => configure({}), TypeError, "--to ENDPOINT");
 * ```
 */
export const settings: HandlerSettings = {
  "to": { value: "ENDPOINT", help: "where to, for example tcp://127.0.0.1:7000 or unix:/run/x.sock" },
  "connect-timeout": { value: "TIME", help: "how long an attempt to connect may take (10)" },
  "retries": { value: "N", help: "how often to try again when nobody listens there (0)" },
};

/**
 * The handler for what the command line tells.
 *
 * @throws {TypeError} if it does not say where to
 * @throws {AddressError} if the endpoint cannot be understood
 * @throws {RangeError} naming a setting whose value cannot be
 *
 * @example What `serve proxy --to ENDPOINT --retries 2` serves
 * ```ts
 * import { connect, serve } from "@switchboard/kit";
 * import daytime from "@switchboard/kit/handlers/daytime";
 * import { configure } from "@switchboard/kit/handlers/proxy";
 * import { assertMatch } from "@std/assert";
 *
 * await using inner = await serve({ listen: "tcp://127.0.0.1:0" }, daytime);
 * const forward = configure({ to: `tcp://127.0.0.1:${(inner.addr as Deno.NetAddr).port}`, retries: "2" });
 * await using outer = await serve({ listen: "tcp://127.0.0.1:0" }, forward);
 * using conn = await connect(outer.addr);
 * assertMatch(await conn.readLine() ?? "", /UTC$/);
 * ```
 */
export function configure({ to, retries, ...values }: SettingValues): StreamHandler {
  if (typeof to !== "string") throw new TypeError("The proxy needs to know where to: --to ENDPOINT");
  return proxy({
    to,
    timeout: readTime("connect-timeout", values["connect-timeout"]),
    retries: readWholeNumber("retries", retries),
  });
}

/**
 * Connecting to the other side.
 *
 * @example
 * ```ts
 * import { permissions } from "@switchboard/kit/handlers/proxy";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(permissions({ to: "tcp://127.0.0.1:7000" }), { net: ["127.0.0.1:7000"] });
 * ```
 */
export function permissions({ to }: SettingValues): Permissions {
  return typeof to === "string" ? connectPermissions(to) : {};
}

/**
 * A handler that connects to another endpoint for every client and forwards bytes both ways.
 *
 * - An end is passed on: a client that has sent its end still gets its answer, and the other way round.
 * - Neither side is read faster than the other takes it: one read, 128 KiB at most, is on its way in each
 *   direction.
 * - If the other side cannot be reached, the client's connection is closed without a byte, and the server's
 *   `handleError` is told why.
 * - Limits are those of the server (`idleTimeout` counts bytes of both directions), and of `options` for the
 *   other side.
 *
 * A draining server waits for both ends, as nobody here knows where a message ends; its deadline closes both
 * sides.
 *
 * @param options where to, and how
 * @returns the handler
 * @throws {AddressError} if the endpoint cannot be understood
 *
 * @example
 * ```ts
 * import { connect, serve } from "@switchboard/kit";
 * import { proxy } from "@switchboard/kit/handlers/proxy";
 * import daytime from "@switchboard/kit/handlers/daytime";
 * import { assertMatch } from "@std/assert";
 *
 * await using inner = await serve({ listen: "tcp://127.0.0.1:0" }, daytime);
 * const forward = proxy({ to: inner.addr });
 * await using outer = await serve({ listen: "tcp://127.0.0.1:0", idleTimeout: 60_000 }, forward);
 * using conn = await connect(outer.addr);
 * assertMatch(await conn.readLine() ?? "", /UTC$/);
 * ```
 */
export function proxy({ to, ...options }: ProxyOptions): StreamHandler {
  const endpoint = parseEndpoint(to);
  return async (conn) => {
    using upstream = await connect(endpoint, options);
    conn.finished.then(() => upstream.close());
    await Promise.all([forwardRequest(conn, upstream), forward(upstream, conn)]);
  };
}

/**
 * Says that it was not told where to; `configure` and {@linkcode proxy} make handlers that were.
 *
 * @throws {TypeError} always
 *
 * @example
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { socketPair } from "@switchboard/kit";
 * import unconfigured from "@switchboard/kit/handlers/proxy";
 *
 * const [conn, peer] = await socketPair();
 * assertThrows(() => unconfigured(conn), TypeError, "--to ENDPOINT");
 * conn.close();
 * peer.close();
 * ```
 */
export default function unconfigured(_conn: Connection): never {
  throw new TypeError("The proxy was not told where to: serve proxy --to ENDPOINT, or proxy({ to })");
}

async function forward(from: Connection, to: Connection): Promise<void> {
  await from.copyTo((chunk) => to.sendAll(chunk));
  await to.closeWrite();
}

/**
 * The client's direction. Where the other side has stopped reading, its answer may still be on its way (a
 * server that refuses a large request, say): the answer decides then. The client's leaving, on the other
 * hand, ends both.
 */
async function forwardRequest(client: Connection, upstream: Connection): Promise<void> {
  let refused: unknown;
  const send = (chunk: Uint8Array): Promise<void> =>
    upstream.sendAll(chunk).catch((error) => {
      throw refused = error;
    });
  try {
    await client.copyTo(send);
    await upstream.closeWrite();
  } catch (error) {
    if (error !== refused || !isPeerGone(error)) throw error;
  }
}
