/**
 * What a program that is built has within, and what it may do.
 *
 * @module
 */
import { isHandlerName, resolveHandler } from "../handlers/shipped.ts";
import { locate } from "../server/_module.ts";
import { mergePermissions, permissionFlags, type Permissions } from "../server/permissions.ts";
import { processPermissions } from "../server/workers/_entry.ts";
import { readServeArguments, serveFlags } from "./assignment.ts";
import type { BuildArguments } from "./build_arguments.ts";
import type { Contents } from "./build_bundle.ts";
import { checkTypes } from "./build_check.ts";
import { flagsOf, UsageError } from "./flags.ts";
import { anyPort, needsUnstableNet, permissionsToServe } from "./permissions.ts";
import { serverOptions } from "./server_flags.ts";

/** A program, planned. */
export interface Plan extends Contents {
  /** What it may do. */
  readonly permissions: Permissions;
  /** Whether it needs Deno's unstable part. */
  readonly unstableNet: boolean;
  /** Whether it starts threads: to begin there, Deno has to read its file. */
  readonly startsThreads: boolean;
  /** Whether it starts processes: it has to run Deno. */
  readonly startsProcesses: boolean;
}

/** What an executable may do, as flags of Deno. Hosts that everybody may import from are not for it. */
export function grantFlags({ permissions }: Plan): string[] {
  const denied = permissions.import ? [] : ["--deny-import"];
  return ["--no-prompt", "--unstable-net", ...permissionFlags(permissions), ...denied];
}

/**
 * Checks the handler and the flags that are to be built in. The handler's module is loaded for that, once its types are
 * right.
 *
 * @throws {UsageError} for a flag that cannot be
 * @throws {HandlerModuleError} for a handler that cannot be had
 * @throws {Error} for one that does not type-check
 */
export async function planProgram(
  { handler, form, include, check, permissions, serveArgs }: BuildArguments,
  signal: AbortSignal,
): Promise<Plan> {
  const url = isHandlerName(handler) ? undefined : locate(handler, undefined); // those that are shipped are right
  if (check && url && isThere(url)) await checkTypes(url, signal);
  const module = await untilAborted(resolveHandler(handler), signal);
  const args = flagsOf(serveArgs, serveFlags([module]));
  const { assignments, options } = await readServeArguments(serveArgs);
  const [{ endpoints, module: configured }] = assignments;
  const servers = { endpoints, options: serverOptions(module.options, options) };
  if (form === "executable" && servers.options.processes !== undefined) {
    throw new UsageError(
      "Processes are started by running Deno: build with --with-deno or --bundle, or use --workers",
    );
  }
  return {
    name: url ? nameOf(url) : handler,
    url: url ?? module.url!,
    include: include.map((module) => locate(module, undefined)),
    args,
    permissions: mergePermissions([
      await permissionsToServe(servers),
      anyPort(endpoints), // its own command line may choose another
      configured.permissions?.({}) ?? {},
      servers.options.processes === undefined ? {} : { env: processPermissions().env! },
      permissions,
    ]),
    unstableNet: needsUnstableNet(servers),
    startsThreads: servers.options.workers !== undefined || include.length > 0,
    startsProcesses: servers.options.processes !== undefined,
  };
}

/** A module can be at it for ever, as one that serves when it is imported. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  return Promise.race([promise, aborted]);
}

/** Whether it is a file that can be checked; one that is not there is missed when it is loaded. */
function isThere(url: string): boolean {
  return url.startsWith("file:") && process.getBuiltinModule("node:fs").existsSync(new URL(url));
}

/** `file:///home/me/my_handler.ts` is `my_handler`, `jsr:@me/handler@^1.0.0` is `handler`. */
function nameOf(url: string): string {
  const words = url.replace(/[?#].*$/s, "").replace(/@[^/@]*$/, "").split(/[/:]/);
  const last = words.findLast((word) => /^\w/.test(word)) ?? "";
  return last.replace(/\.\w+$/, "").replace(/[^\w.-]/g, "_").slice(0, 60) || "handler";
}
