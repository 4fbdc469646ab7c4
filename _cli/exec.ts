/**
 * `serve --exec -- COMMAND ARG …`: a program instead of a handler, a process for each connection.
 *
 * @module
 */
import { execHandler } from "../handlers/exec.ts";
import type { HandlerModule } from "../server/load.ts";
import { findCommand } from "./command.ts";
import { type LogFormat, processLog } from "./connection_log.ts";
import { type Flags, UsageError } from "./flags.ts";

/** The flags of a command to be served. */
export const EXEC_FLAGS: Flags = {
  "exec": { help: "serves the program behind --, a process for each connection (at most 40)" },
  "exec-env": {
    value: "NAME[=VALUE]",
    many: true,
    help: "a variable for the program, beside PATH, HOME, USER, LOGNAME, LANG, LC_ALL and TZ",
  },
};

/** A command line with a command in it. */
export interface Split {
  /** What `serve` is to read. */
  own: readonly string[];
  /** What stands behind `--`, where `--exec` stands before. */
  command?: readonly [program: string, ...args: string[]];
}

/** As many as tcpserver allows. */
const CHILDREN = 40;

/**
 * Splits a command line of `serve` at `--`, if `--exec` stands before; otherwise all of it is its own.
 *
 * @throws {UsageError} if no command follows
 */
export function splitCommand(args: readonly string[]): Split {
  const at = args.indexOf("--");
  const own = at < 0 ? args : args.slice(0, at);
  if (!own.some((arg) => /^--exec(=|$)/.test(arg))) return { own: args };
  const [program, ...rest] = at < 0 ? [] : args.slice(at + 1);
  if (!program) {
    throw new UsageError("--exec needs a command behind --: serve --exec --tcp :7000 -- COMMAND ARG …");
  }
  return { own, command: [program, ...rest] };
}

/** What the flags say about a command. */
export interface ExecValues {
  /** Variables, each with or without its value. */
  "exec-env"?: readonly string[];
  /** Connections at once, and so processes. */
  "max-connections"?: number;
  /** How its standard error is written. */
  log?: LogFormat;
}

/**
 * A command as a handler module. It is looked for now: what cannot be run is not to be found out by the first client.
 *
 * @returns what the command line calls it, and the module
 * @throws {UsageError} for a variable that cannot be
 * @throws if there is no such command, or it may not be run
 */
export function execModule(
  [program, ...args]: readonly [string, ...string[]],
  { "exec-env": variables = [], "max-connections": maxChildren = CHILDREN, log = "text" }: ExecValues,
): { name: string; module: HandlerModule } {
  const env = { ...usualVariables(), ...Object.fromEntries(variables.map(readVariable)) };
  findCommand(program, env);
  const name = process.getBuiltinModule("node:path").basename(program);
  const options = { args, env, maxChildren, ...processLog(name, log) };
  return {
    name,
    module: {
      specifier: program,
      stream: execHandler(program, options),
      options: { maxConnections: CHILDREN },
      settings: {},
    },
  };
}

/** What programs cannot do without, or would get wrong; nothing that holds a secret. */
const USUAL = Deno.build.os === "windows"
  ? ["PATH", "PATHEXT", "SystemRoot", "TEMP", "USERPROFILE", "USERNAME"]
  : ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ"];

/** Those that are set, and that this process may read: nobody has asked for them by name. */
function usualVariables(): Record<string, string> {
  const readable = USUAL.filter((variable) =>
    Deno.permissions.querySync({ name: "env", variable }).state === "granted"
  );
  const values = readable.map((name) => [name, Deno.env.get(name)] as const);
  return Object.fromEntries(values.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function readVariable(text: string): [string, string] {
  const [, name, value] = /^([^=]+)(?:=(.*))?$/s.exec(text) ?? [];
  if (!name) throw new UsageError(`--exec-env: "${text}" is neither NAME nor NAME=VALUE`);
  return [name, value ?? ownVariable(name)];
}

function ownVariable(name: string): string {
  const { state } = Deno.permissions.requestSync({ name: "env", variable: name });
  if (state !== "granted") {
    throw new Deno.errors.NotCapable(
      `Cannot read the variable ${name}: permission is missing, run with --allow-env=${name}`,
    );
  }
  const value = Deno.env.get(name);
  if (value === undefined) throw new UsageError(`--exec-env: ${name} is not set; ${name}=VALUE sets it`);
  return value;
}
