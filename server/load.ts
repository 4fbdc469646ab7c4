/**
 * Handler modules: a handler by the path or URL of its file.
 *
 * @module
 */
import { embedded } from "./_embedded.ts";
import { HandlerModuleError } from "./errors.ts";
import {
  type DatagramHandler,
  type DatagramHandlerLike,
  resolveDatagramHandler,
  resolveStreamHandler,
  type StreamHandler,
  type StreamHandlerLike,
} from "./handler.ts";
import { abridged, firstLine, locate, messageOf, whyNotLoaded } from "./_module.ts";
import { checkOptionNames, checkOptions } from "./options.ts";
import { checkPermissions, type Permissions } from "./permissions.ts";
import type { Handlers, ServeOptions } from "./serve.ts";
import type { HandlerSettings, SettingValues } from "./settings.ts";

/** What a handler module may say about the servers that serve it: any option but where to listen. */
export type HandlerModuleOptions = Omit<ServeOptions, "listen" | "signal">;

/** What a handler module exports. {@linkcode serve} takes it as it is. */
export interface HandlerModule<T = unknown> {
  /** Where it came from: a URL, or the name of a shipped handler. */
  specifier: string;
  /** Where workers load it from, if the specifier is a name. */
  url?: string;
  /** What it was told: see {@linkcode configureHandler}. */
  values?: SettingValues;
  /** Serves connections: the module's `default`. */
  stream?: StreamHandler<T>;
  /** Serves datagrams: the module's `datagram`. */
  datagram?: DatagramHandler;
  /** Says whether a client, or a packet, is served. */
  verifyRequest?: Handlers<T>["verifyRequest"];
  /** What the module would like the options to be. */
  options: HandlerModuleOptions;
  /** What the module can be told. */
  settings: HandlerSettings;
  /** Makes the handler for connections that does as it was told. */
  configure?: (values: SettingValues) => StreamHandlerLike<T>;
  /** What Deno has to grant to the handler, as it was told, besides listening. */
  permissions?: (values: SettingValues) => Permissions;
}

/** What `loadHandler` can be told. */
export interface LoadHandlerOptions {
  /**
   * What a relative path is relative to: a URL (`import.meta.url`), or the path of a folder.
   *
   * @default the working directory
   */
  base?: string | URL;
}

/**
 * Loads a handler module and checks what it exports:
 *
 * - `default`: the handler for connections, a function or a class.
 * - `datagram`: the handler for datagrams. One of the two must be there.
 * - `verifyRequest`: a function that says whether a client is served.
 * - `options`: defaults for the options of the server.
 * - `settings` and `configure`: what the handler can be told, and a function that makes the handler of that.
 * - `permissions`: what Deno has to grant to the handler besides listening, such as `{ read: ["data"] }`; or a function
 *   that answers it for the values of the settings. The command line asks for it before the first client comes, and
 *   `serve --print-permissions` prints it. {@linkcode connectPermissions} has it for a handler that connects.
 *
 * A module is loaded once: a second call gives what the first one got.
 *
 * @param specifier a path, or a URL (`file:`, `https:`, `jsr:`, `npm:`, `data:`)
 * @returns what it exports; give it to {@linkcode serve} together with its `options`
 * @throws {HandlerModuleError} if there is no such module, if it does not load, or if it exports no handler; one line
 *
 * @example
 * ```ts
 * import { connect, loadHandler, serve } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * const file = await Deno.makeTempFile({ suffix: ".ts" });
 * await Deno.writeTextFile(file, `
 *   export const options = { maxConnections: 10 };
 *   export default (conn) => conn.sendAll("hello\\n");
 * `);
 * const handler = await loadHandler(file);
 *
 * await using group = await serve({ ...handler.options, listen: "tcp://127.0.0.1:0" }, handler);
 * using conn = await connect(group.addr);
 * assertEquals(await conn.readLine(), "hello");
 * ```
 */
export async function loadHandler<T = unknown>(
  specifier: string | URL,
  { base }: LoadHandlerOptions = {},
): Promise<HandlerModule<T>> {
  const url = locate(specifier, base);
  const name = abridged(String(specifier));
  let exports: Record<string, unknown>;
  try {
    exports = await (embedded(url)?.() ?? import(url));
  } catch (cause) {
    throw new HandlerModuleError(`Cannot load the handler ${name}: ${whyNotLoaded(cause, url)}`, { cause });
  }
  return checkHandlerModule<T>(exports, url, name);
}

/**
 * What the exports of a module mean.
 *
 * @param specifier where the module came from
 * @param name what an error message calls it
 * @throws {HandlerModuleError} saying what is missing or wrong
 */
export function checkHandlerModule<T = unknown>(
  exports: Record<string, unknown>,
  specifier: string,
  name: string = specifier,
): HandlerModule<T> {
  try {
    return readExports(exports, specifier);
  } catch (cause) {
    throw new HandlerModuleError(`Cannot use ${name} as a handler: ${firstLine(messageOf(cause))}`, {
      cause,
    });
  }
}

function readExports<T>(exports: Record<string, unknown>, specifier: string): HandlerModule<T> {
  const { default: stream, datagram, verifyRequest, configure, permissions } = exports;
  const { options = {}, settings = {} } = exports;
  if (stream === undefined && datagram === undefined) {
    throw new TypeError("it exports neither default nor datagram; one must be a function or a class");
  }
  assertFunction("verifyRequest", verifyRequest);
  assertFunction("configure", configure);
  assertObject("options", options);
  assertObject("settings", settings);
  checkOptionNames(options);
  checkOptions(options);
  return {
    specifier,
    options,
    settings: settings as HandlerSettings,
    ...stream !== undefined &&
      { stream: resolved("default", stream as StreamHandlerLike<T>, resolveStreamHandler) },
    ...datagram !== undefined &&
      { datagram: resolved("datagram", datagram as DatagramHandlerLike, resolveDatagramHandler) },
    ...verifyRequest && { verifyRequest: verifyRequest as HandlerModule<T>["verifyRequest"] },
    ...configure && { configure: configure as HandlerModule<T>["configure"] },
    ...permissions !== undefined && { permissions: permissionsOf(permissions) },
  };
}

/** An object is checked now, the answer of a function when it is called. */
function permissionsOf(permissions: unknown): (values: SettingValues) => Permissions {
  if (typeof permissions === "function") return (values) => checkPermissions(permissions(values));
  const checked = checkPermissions(permissions);
  return () => checked;
}

function resolved<H, R>(name: string, handler: H, resolve: (handler: H) => R): R {
  try {
    return resolve(handler);
  } catch (cause) {
    throw new TypeError(`its export ${name}: ${messageOf(cause)}`, { cause });
  }
}

function assertFunction(
  name: string,
  value: unknown,
): asserts value is ((...args: never[]) => unknown) | undefined {
  if (value !== undefined && typeof value !== "function") {
    throw new TypeError(`its export ${name} is a ${typeof value}, not a function`);
  }
}

function assertObject(name: string, value: unknown): asserts value is object {
  if (typeof value !== "object" || value === null) throw new TypeError(`its export ${name} is no object`);
}

/**
 * The module with the handler that does as it is told, and the permissions that it needs for that. A module that cannot be
 * told anything comes back as it is.
 *
 * @throws what the module's `configure` throws for values that cannot be
 */
export function configureHandler<T>(module: HandlerModule<T>, values: SettingValues): HandlerModule<T> {
  const { configure, permissions } = module;
  if (!configure && !permissions) return module;
  return {
    ...module,
    values,
    ...configure && { stream: resolveStreamHandler(configure(values)) },
    ...permissions && { permissions: () => permissions(values) },
  };
}
