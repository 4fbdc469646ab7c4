/**
 * Threads and processes, as the workers of a crew.
 *
 * @module
 */
import type { CrewAddress } from "../_crew.ts";
import { formatHostPort } from "../address.ts";
import type { HandlerModule } from "../load.ts";
import { locate } from "../_module.ts";
import { checkOptions } from "../options.ts";
import {
  checkPermissions,
  mergePermissions,
  missingPermissions,
  permissionFlags,
  type Permissions,
} from "../permissions.ts";
import type { SettingValues } from "../settings.ts";
import type { HandlerReference } from "./_messages.ts";
import type { CrewOptions, ForkingOptions, ThreadingOptions } from "./options.ts";
import { importPermissions } from "./_import_permissions.ts";
import { mayStartThreads, processEntry, processPermissions, threadPermissions } from "./_entry.ts";
import { startProcessHost } from "./_process_host.ts";
import type { CrewKind } from "./_stream_crew.ts";
import { startThreadHost } from "./_thread_host.ts";

/** A handler module: the path or URL of one, or one that was loaded. A function cannot travel. */
export type HandlerModuleLike = string | URL | HandlerModule;

/** What a worker is told of a handler module. */
export function handlerReference(handler: HandlerModuleLike): HandlerReference {
  if (typeof handler === "string" || handler instanceof URL) return { specifier: locate(handler, undefined) };
  if (typeof handler?.specifier !== "string") {
    throw new TypeError(
      "Workers need a handler module, its path or its URL, as a function cannot be sent to them: see loadHandler",
    );
  }
  const { specifier, url, values } = handler;
  return { specifier, ...url && { url }, ...values && { values } };
}

/** Worker threads. */
export const threads: CrewKind = {
  launch: () => {
    if (!mayStartThreads()) assertPermitted("start worker threads", threadPermissions());
    return startThreadHost;
  },
  // Where threads cannot share a socket, each has its own.
  mechanisms: hasUnstableNet() ? ["load-balanced", "reuse-port", "relay"] : ["load-balanced", "relay"],
  recyclesBadly: ["reuse-port"],
};

/** Without the flag an attempt to share a port ends the process: it is not asked for by trying. */
function hasUnstableNet(): boolean {
  return typeof Deno.listenDatagram === "function";
}

/** Child processes. */
export function processes(handler: HandlerModuleLike, options: ForkingOptions): CrewKind {
  const { specifier, url = specifier } = handlerReference(handler);
  return {
    launch: (address) => {
      assertPermitted("start child processes", processPermissions());
      const permissions = childPermissions(handler, options, address, url);
      return () => startProcessHost({ permissions, flags: options.denoFlags ?? [], handler: url });
    },
    mechanisms: ["reuse-port", "hand-over", "relay"],
    // The clients that wait in the queue of a socket of its own are lost when it is closed.
    recyclesBadly: ["reuse-port"],
  };
}

/** Deno asks for them one by one where the terminal allows that, as it would a moment later. */
function assertPermitted(attempt: string, needed: Permissions): void {
  const missing = permissionFlags(missingPermissions(needed, { ask: true }));
  if (missing.length === 0) return;
  throw new Deno.errors.NotCapable(`Cannot ${attempt}: permission is missing, run with ${missing.join(" ")}`);
}

/** What threads are told that the class names and the one option call differently. */
export function threadingOptions(options: ThreadingOptions): CrewOptions {
  const { workers = navigator.hardwareConcurrency, daemonThreads = false, blockOnClose = !daemonThreads } =
    options;
  return checked(options, { ...options, blockOnClose, size: workers });
}

/** The same for processes. */
export function forkingOptions(options: ForkingOptions): CrewOptions {
  const { processes = navigator.hardwareConcurrency } = options;
  if (options.permissions) checkPermissions(options.permissions);
  return checked(options, { ...options, size: processes });
}

function checked(given: object, options: CrewOptions): CrewOptions {
  checkOptions(given);
  const { size, maxChildren = size } = options;
  if (maxChildren >= size) return options;
  throw new RangeError(
    `Option "maxChildren" must be at least the number of workers, ${size}: current value is ${maxChildren}`,
  );
}

/** These a child gets if its parent has them, unless it is told otherwise: not those with which it could leave its sandbox. */
const INHERITED = ["net", "read", "write", "env", "sys", "import"] as const;

function childPermissions(
  handler: HandlerModuleLike,
  options: ForkingOptions,
  address: CrewAddress | undefined,
  url: string,
): Permissions {
  const declared = (handler as Partial<HandlerModule>).permissions;
  const wanted = options.permissions ?? (declared ? declared(valuesOf(handler)) : inherited());
  const missing = permissionFlags(missingPermissions(wanted, { whole: true }));
  if (missing.length > 0) {
    throw new Deno.errors.NotCapable(
      `Cannot give child processes what this one may not do itself: ${missing.join(" ")}`,
    );
  }
  const listening: Permissions = address?.port ? { net: [formatHostPort(address)] } : {};
  const importing = importPermissions([url, ...processEntry()], wanted.import);
  return { ...mergePermissions([wanted, listening]), ...importing };
}

function valuesOf(handler: HandlerModuleLike): SettingValues {
  return (handler as Partial<HandlerModule>).values ?? {};
}

/** What this process has in full. What it has in part, or in all but a part, it cannot know. */
function inherited(): Permissions {
  const all = Object.fromEntries(INHERITED.map((kind) => [kind, true] as const)) as Permissions;
  const missing = missingPermissions(all, { whole: true });
  return Object.fromEntries(INHERITED.filter((kind) => !missing[kind]).map((kind) => [kind, true]));
}
