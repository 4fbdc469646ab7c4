/**
 * What `build` is to make: its command line, read.
 *
 * @module
 */
import { checkPermissions, mergePermissions, type Permissions } from "../server/permissions.ts";
import { handlersNamed } from "./assignment.ts";
import { readTarget } from "./build_executable.ts";
import { type Flags, readArguments, UsageError } from "./flags.ts";
import { oneLine } from "./terminal.ts";

/** The flags of `build` itself; all others are for the program that is made. */
export const BUILD_FLAGS: Flags = {
  output: { value: "FILE", help: "where to write it; -o for short" },
  bundle: { help: "a JavaScript file that any Deno runs" },
  "with-deno": { help: "an executable that brings this Deno along, for systems like this one (not Windows)" },
  target: { value: "SYSTEM", read: readTarget, help: "the system that the executable is for (this one)" },
  include: {
    value: "MODULE",
    many: true,
    help:
      "a module that the handler names at run time, as for a Pool; the handler and all imports are within anyway",
  },
  force: { help: "replaces the file if it is there" },
  "no-check": { help: "leaves out the type check" },
};

/** What kind of file is made. */
export type Form = "executable" | "bundle" | "with-deno";

/** A command line of `build`, read. */
export interface BuildArguments {
  /** The handler, as it is given. */
  readonly handler: string;
  /** Where to write. */
  readonly output: string;
  /** What to write. */
  readonly form: Form;
  /** For which system. */
  readonly target?: string;
  /** Other modules that are to be within. */
  readonly include: readonly string[];
  /** Whether a file that is there is replaced. */
  readonly force: boolean;
  /** Whether the types are checked. */
  readonly check: boolean;
  /** What the handler needs besides, as Deno's own flags say. */
  readonly permissions: Permissions;
  /** What is left: the handler, and what is built in for the program. */
  readonly serveArgs: readonly string[];
}

/**
 * Reads a command line of `build`. What is left for the program is not looked at yet: its flags depend on the handler.
 *
 * @throws {UsageError} for what cannot be
 */
export function readBuildArguments(args: readonly string[]): BuildArguments {
  if (args.includes("--exec")) throw new UsageError("build takes a handler, no command: --exec is for serve");
  const { own, permissions, others } = sort(args);
  const { values } = readArguments(own, BUILD_FLAGS);
  const [handler, ...more] = handlersNamed(others);
  if (handler === undefined || more.length > 0) {
    throw new UsageError("build takes one handler: build HANDLER -o FILE");
  }
  if (values.output === undefined) throw new UsageError(`-o is missing: build ${handler} -o FILE`);
  const form = formOf(values);
  if (values.target !== undefined && form !== "executable") {
    throw new UsageError(`--target is not for --${form}`);
  }
  return {
    handler,
    output: values.output,
    form,
    target: values.target,
    include: values.include ?? [],
    force: values.force ?? false,
    check: !values["no-check"],
    permissions: readPermissions(permissions),
    serveArgs: others,
  };
}

function formOf(values: Record<string, unknown>): Form {
  if (values.bundle && values["with-deno"]) {
    throw new UsageError("--bundle and --with-deno are two different files");
  }
  return values.bundle ? "bundle" : values["with-deno"] ? "with-deno" : "executable";
}

/** `--allow-read=data,more` and `--allow-net` */
function readPermissions(flags: readonly string[]): Permissions {
  const each = flags.map((flag) => {
    const [, kind, items] = /^--allow-(\w+)(?:=(.*))?$/s.exec(flag)!;
    return { [kind]: items === undefined ? true : items.split(",") };
  });
  try {
    return mergePermissions(each.map(checkPermissions));
  } catch (error) {
    throw new UsageError(oneLine(error), { cause: error });
  }
}

interface Sorted {
  own: string[];
  permissions: string[];
  others: string[];
}

function sort(args: readonly string[]): Sorted {
  const sorted: Sorted = { own: [], permissions: [], others: [] };
  for (let i = 0; i < args.length; i++) {
    const arg = args[i].replace(/^-o(?==|$)/, "--output");
    const name = /^--([a-z-]+)/.exec(arg)?.[1] ?? "";
    if (/^--allow-\w+(=|$)/.test(arg)) sorted.permissions.push(arg);
    else if (!Object.hasOwn(BUILD_FLAGS, name)) sorted.others.push(args[i]);
    else {
      sorted.own.push(arg);
      if (BUILD_FLAGS[name].value && !arg.includes("=") && i + 1 < args.length) sorted.own.push(args[++i]);
    }
  }
  return sorted;
}
