/**
 * `new`: a handler to begin with, and its test.
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };
import { missingPermissions, permissionFlags } from "../server/permissions.ts";
import { describeFlags, type Flags, readArguments, UsageError } from "./flags.ts";
import {
  datagramHandler,
  datagramTest,
  streamHandler,
  streamTest,
  type Template,
} from "./handler_template.ts";
import { deno, print, quoted, self } from "./terminal.ts";

const FLAGS: Flags = {
  datagram: { help: "a handler for packets of UDP instead of connections" },
};

/** What `new --help` prints. */
export function usage(): string {
  return `\
Writes a handler module to begin with, and its test, which passes.

Examples:
  ${self(["--allow-write"])} new greeter
  ${self(["--allow-write"])} new handlers/clock --datagram

Usage: new NAME [FLAG …]

NAME is written in small letters and with underscores, as greeter or chat_room, behind the folder that it goes into, if that
is another. NAME.ts and NAME_test.ts are written; files that are there already stay as they are, and then neither is.

${describeFlags(FLAGS)}

It prints the two commands to go on with. Exit codes: 0 written, 1 failed, 2 wrong usage.`;
}

/** Runs `new`; resolves to its exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const { positional, values } = readArguments(args, FLAGS);
  if (positional.length !== 1) throw new UsageError("new takes one name: new greeter");
  const { folder, name } = readPath(positional[0]);
  const template = { name, ...specifiers(folder) };
  const [path, testPath] = [`${folder}${name}.ts`, `${folder}${name}_test.ts`];
  await writeAll(
    values.datagram
      ? [[path, datagramHandler(template)], [testPath, datagramTest(template)]]
      : [[path, streamHandler(template)], [testPath, streamTest(template)]],
  );
  print(`${path} and ${testPath} are written. To serve it, and to test it:`);
  const handler = /^[./]/.test(path) ? path : `./${path}`;
  const net = values.datagram ? "127.0.0.1" : "127.0.0.1:0"; // a datagram server also sends
  print(`  ${self([`--allow-net=${net}`, `--allow-read=${path}`])} serve ${quoted(handler)}`);
  print(`  ${deno()} test --allow-net=127.0.0.1 ${quoted(testPath)}`);
  return 0;
}

/** `handlers/clock` is `clock` in `handlers/`. */
function readPath(path: string): { folder: string; name: string } {
  const [, folder, name] = /^(.*[/\\])?(.*)$/s.exec(path)!;
  const tip = /\.[jt]s$/.test(name) ? `: leave ${name.slice(-3)} out` : ", such as greeter or chat_room";
  if (!/^[a-z][a-z\d]*(_[a-z\d]+)*$/.test(name)) {
    throw new UsageError(`"${name}" is no name in small letters with underscores${tip}`);
  }
  if (/_test$/.test(name)) throw new UsageError(`"${name}" is the name of a test: leave _test out`);
  return { folder: folder ?? "", name };
}

/**
 * From where a module in `folder` imports. Who has the kit from JSR imports it from there; in a clone the names of its
 * configuration do, and beside a clone the paths of its files.
 */
function specifiers(folder: string): Pick<Template, "kit" | "assert"> {
  const kit = new URL("../", import.meta.url);
  if (kit.protocol !== "file:") {
    return { kit: `jsr:${config.name}@^${config.version}`, assert: config.imports["@std/assert"] };
  }
  const { relative, resolve, sep } = process.getBuiltinModule("node:path");
  const { fileURLToPath } = process.getBuiltinModule("node:url");
  const from = resolve(folder);
  if (`${from}${sep}`.startsWith(fileURLToPath(kit))) return { kit: config.name, assert: "@std/assert" };
  const specifier = (url: string): string =>
    url.startsWith("file:") ? relative(from, fileURLToPath(url)).replaceAll(sep, "/") : url;
  return {
    kit: specifier(new URL("mod.ts", kit).href),
    assert: specifier(import.meta.resolve("@std/assert")),
  };
}

/** All of them or none, and none over a file that is there. */
async function writeAll(files: readonly (readonly [path: string, text: string])[]): Promise<void> {
  const paths = files.map(([path]) => path);
  const missing = permissionFlags(missingPermissions({ write: paths }, { ask: true }));
  if (missing.length > 0) {
    throw new Deno.errors.NotCapable(
      `Cannot write ${paths.join(" and ")}: permission is missing, run with ${missing.map(quoted).join(" ")}`,
    );
  }
  const made: string[] = [];
  try {
    for (const [path, text] of files) {
      await create(path);
      made.push(path);
      await Deno.writeTextFile(path, text);
    }
  } catch (error) {
    for (const path of made) await Deno.remove(path);
    throw error;
  }
}

async function create(path: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, "", { createNew: true });
  } catch (cause) {
    const why = cause instanceof Deno.errors.AlreadyExists
      ? "it is there already"
      : cause instanceof Deno.errors.NotFound
      ? "there is no such folder"
      : (cause as Error).message;
    throw new Error(`Cannot write ${path}: ${why}`, { cause });
  }
}
