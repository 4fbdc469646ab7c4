/**
 * What `serve` is to serve, and where: its command line, read.
 *
 * @module
 */
import { resolveHandler } from "../handlers/shipped.ts";
import type { Endpoint, NetEndpoint } from "../server/address.ts";
import { configureHandler, type HandlerModule, type HandlerModuleOptions } from "../server/load.ts";
import type { SettingValues } from "../server/settings.ts";
import type { LogFormat } from "./connection_log.ts";
import { EXEC_FLAGS, execModule, splitCommand } from "./exec.ts";
import {
  type Arguments,
  findPositional,
  type Flags,
  oneOf,
  readArguments,
  readTime,
  UsageError,
} from "./flags.ts";
import { ENDPOINT_FLAGS, endpointsOf, OPTION_FLAGS, optionsOf } from "./server_flags.ts";
import { oneLine } from "./terminal.ts";

/** The flags of `serve` itself. */
export const PROGRAM_FLAGS: Flags = {
  log: {
    value: "text|json|off",
    read: oneOf("text", "json", "off"),
    help: "one line per connection and packet, on stderr (text)",
  },
  drain: { value: "TIME", read: readTime, help: "how long a signal leaves the handlers to end (15)" },
  watch: { help: "a changed handler serves the next connection; on workers, whose state is lost" },
};

const FLAGS: Flags = { ...ENDPOINT_FLAGS, ...OPTION_FLAGS, ...PROGRAM_FLAGS };

/** What is served where nothing is named, each at a port that it gets if nobody else has it. */
const DEMONSTRATION: Readonly<Record<string, number>> = { operator: 10_086, echo: 10_007 };

/** What a program that `build` made has within. */
export interface BuiltIn {
  /** What it calls its handler. */
  readonly name: string;
  /** The handler's module. */
  readonly module: HandlerModule;
  /** The flags that stand where the program is given no others. */
  readonly args: readonly string[];
}

/** A handler and where it is to be served. */
export interface Assignment {
  /** What the command line calls it. */
  readonly name: string;
  /** Its module. */
  readonly module: HandlerModule;
  /** Where. */
  readonly endpoints: readonly Endpoint[];
  /** Whether other ports will do where these are taken. */
  readonly movable: boolean;
}

/** A command line of `serve`, read. */
export interface ServeArguments {
  /** What is to be served. */
  readonly assignments: readonly Assignment[];
  /** What the flags say about the servers. */
  readonly options: HandlerModuleOptions;
  /** How to write the log. */
  readonly log: LogFormat;
  /** How long draining may take, in milliseconds. */
  readonly drain: number;
  /** Whether handlers are loaded anew when their code has changed. */
  readonly watch: boolean;
}

/**
 * Reads a command line of `serve`. The handlers that it names are loaded first: they say which flags there are.
 *
 * @param builtIn a handler that the program has within: then the command line names none
 * @throws {UsageError} for what cannot be
 * @throws {HandlerModuleError} for a handler that cannot be had
 */
export async function readServeArguments(
  args: readonly string[],
  builtIn?: BuiltIn,
): Promise<ServeArguments> {
  const { own, command } = splitCommand(args);
  if (command && !builtIn) return readExecArguments(own, command);
  const modules = builtIn ? new Map([[builtIn.name, builtIn.module]]) : await loadHandlers(args);
  const flags = serveFlags([...modules.values()]);
  const { positional, values } = builtIn ? readOver(builtIn, args, flags) : readArguments(args, flags);
  const configured: [string, HandlerModule][] = [];
  for (const name of positional) {
    configured.push([name, configure(modules.get(name) ?? await resolveHandler(name), values)]);
  }
  return { assignments: assign(configured, endpointsOf(values), modules), ...readServers(values) };
}

/** A program instead of handlers. */
function readExecArguments(own: readonly string[], command: readonly [string, ...string[]]): ServeArguments {
  const { positional, values } = readArguments(own, { ...FLAGS, ...EXEC_FLAGS });
  if (positional.length > 0) {
    throw new UsageError(`--exec serves ${command[0]}: the handler ${positional[0]} cannot be served too`);
  }
  const servers = readServers(values);
  if (values.workers !== undefined || values.processes !== undefined) {
    throw new UsageError(
      "--exec starts a process for each connection anyway: --workers and --processes are for handlers",
    );
  }
  const { name, module } = execModule(command, values);
  return { assignments: assign([[name, module]], endpointsOf(values), new Map()), ...servers };
}

function readServers(values: Arguments["values"]): Omit<ServeArguments, "assignments"> {
  const { log = "text", drain = 15_000, watch = false } = values;
  return { options: watch ? reloadable(optionsOf(values)) : optionsOf(values), log, drain, watch };
}

/** A thread loads a module once: fresh code needs a fresh worker. */
function reloadable(options: HandlerModuleOptions): HandlerModuleOptions {
  const { workers, processes } = options;
  return workers === undefined && processes === undefined ? { ...options, workers: 1 } : options;
}

/** What is given stands over what is built in: a flag over the same flag, an endpoint over all endpoints. */
function readOver({ name, args: defaults }: BuiltIn, args: readonly string[], flags: Flags): Arguments {
  const { positional, values: given } = readArguments(args, flags);
  if (positional.length > 0) {
    throw new UsageError(`${name} is built in: ${positional[0]} cannot be served too`);
  }
  const { values } = readArguments(defaults, flags);
  if (endpointsOf(given).length > 0) {
    for (const transport of Object.keys(ENDPOINT_FLAGS)) delete values[transport];
  }
  return { positional: [name], values: { ...values, ...given } };
}

/** What is no flag on a command line of `serve`. */
export function handlersNamed(args: readonly string[]): string[] {
  return findPositional(args, FLAGS);
}

/** The flags of `serve` with these modules. */
export function serveFlags(modules: readonly HandlerModule[]): Flags {
  return { ...FLAGS, ...settingFlags(modules) };
}

/** The modules of the handlers that a command line names, by name; of the demonstration if it names none. */
export async function loadHandlers(args: readonly string[]): Promise<Map<string, HandlerModule>> {
  const named = handlersNamed(args);
  const modules = new Map<string, HandlerModule>();
  for (const name of named.length > 0 ? named : Object.keys(DEMONSTRATION)) {
    modules.set(name, await resolveHandler(name));
  }
  return modules;
}

/** The flags that stand for settings of these modules. */
export function settingFlags(modules: readonly HandlerModule[]): Flags {
  const settings: Flags = Object.assign({}, ...modules.map((module) => module.settings));
  const taken = Object.keys(settings).find((name) => Object.hasOwn(FLAGS, name));
  if (taken) throw new UsageError(`The handler's setting --${taken} is a flag of serve already`);
  return settings;
}

function configure(module: HandlerModule, values: SettingValues): HandlerModule {
  const own = Object.keys(module.settings).map((name) => [name, values[name]]);
  try {
    return configureHandler(module, Object.fromEntries(own));
  } catch (error) {
    throw new UsageError(oneLine(error), { cause: error });
  }
}

function assign(
  named: readonly (readonly [string, HandlerModule])[],
  endpoints: readonly Endpoint[],
  modules: ReadonlyMap<string, HandlerModule>,
): Assignment[] {
  if (endpoints.length > 0) {
    if (named.length !== 1) {
      const count = named.length === 0 ? "none is" : `${named.length} are`;
      throw new UsageError(
        `Endpoints belong to one handler, and ${count} named: serve HANDLER --tcp HOST:PORT`,
      );
    }
    const [[name, module]] = named;
    return [{ name, module, endpoints, movable: false }];
  }
  if (named.length > 0) {
    return named.map(([name, module]) => ({ name, module, endpoints: [loopback(module)], movable: false }));
  }
  return Object.entries(DEMONSTRATION).map(([name, port]) => {
    const module = modules.get(name)!;
    return { name, module, endpoints: [loopback(module, port)], movable: true };
  });
}

/** Where a handler is served that is given no endpoint. */
export function loopback(module: HandlerModule, port: number = 0): NetEndpoint {
  return { transport: module.stream ? "tcp" : "udp", hostname: "127.0.0.1", port };
}
