/**
 * The handlers that come with the kit, by name.
 *
 * @module
 */
import { HandlerModuleError } from "../server/errors.ts";
import {
  checkHandlerModule,
  type HandlerModule,
  loadHandler,
  type LoadHandlerOptions,
} from "../server/load.ts";

/** A handler that comes with the kit. */
export interface ShippedHandler {
  /** What it does, in a line. */
  readonly description: string;
  /** Imports its module. */
  readonly load: () => Promise<Record<string, unknown>>;
}

/**
 * The shipped handlers. Each import is written out, so that it needs no permission, and bundles and executables hold it.
 *
 * @example
 * ```ts
 * import { shippedHandlers } from "@switchboard/kit/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * const { default: echo } = await shippedHandlers.echo.load();
 * assertEquals(typeof echo, "function");
 * ```
 */
export const shippedHandlers: Readonly<Record<string, ShippedHandler>> = {
  chargen: {
    description: "characters without end (RFC 864)",
    load: () => import("./chargen.ts"),
  },
  daytime: {
    description: "the date and time as a line of text (RFC 867)",
    load: () => import("./daytime.ts"),
  },
  discard: {
    description: "throws away what comes (RFC 863)",
    load: () => import("./discard.ts"),
  },
  echo: {
    description: "sends back what comes (RFC 862)",
    load: () => import("./echo.ts"),
  },
  operator: {
    description: "the operator of a telephone company, line by line",
    load: () => import("./operator.ts"),
  },
  proxy: {
    description: "forwards to another endpoint: --to ENDPOINT",
    load: () => import("./proxy.ts"),
  },
  time: {
    description: "the time as four bytes (RFC 868)",
    load: () => import("./time.ts"),
  },
  upload: {
    description: "stores files in a folder: --dir DIR",
    load: () => import("./upload.ts"),
  },
};

/** Whether this is written as the name of a shipped handler. Anything else (`./x`, `x.ts`, `https://…`) is a path or a URL. */
export function isHandlerName(handler: string | URL): handler is string {
  return typeof handler === "string" && /^[\w-]+$/.test(handler);
}

/**
 * A handler by the name of a shipped one, or by the path or URL of its module as {@linkcode loadHandler} takes it.
 *
 * @param handler for example `"echo"`, `"./my_handler.ts"` or `"jsr:@scope/name"`
 * @returns what the module exports; give it to `serve`
 * @throws {HandlerModuleError} if there is no such handler, or if it cannot be loaded or used; one line
 *
 * @example
 * ```ts
 * import { connect, serve } from "@switchboard/kit";
 * import { resolveHandler } from "@switchboard/kit/handlers";
 * import { assertEquals } from "@std/assert";
 *
 * await using group = await serve({ listen: "tcp://127.0.0.1:0" }, await resolveHandler("echo"));
 * using conn = await connect(group.addr);
 * await conn.sendAll("hello\n");
 * assertEquals(await conn.readLine(), "hello");
 * ```
 */
export async function resolveHandler<T = unknown>(
  handler: string | URL,
  options?: LoadHandlerOptions,
): Promise<HandlerModule<T>> {
  if (!isHandlerName(handler)) return await loadHandler<T>(handler, options);
  if (Object.hasOwn(shippedHandlers, handler)) {
    const module = checkHandlerModule<T>(await shippedHandlers[handler].load(), handler);
    return { ...module, url: new URL(`./${handler}.ts`, import.meta.url).href };
  }
  const names = Object.keys(shippedHandlers).join(", ");
  throw new HandlerModuleError(
    `There is no handler "${handler}": shipped are ${names}; a file is written with its path, as ./${handler}`,
  );
}
