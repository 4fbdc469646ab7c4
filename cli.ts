/**
 * The command line: `deno run -A cli.ts --help`.
 *
 * @module
 */
import config from "./deno.json" with { type: "json" };
import * as build from "./_cli/build.ts";
import * as connect from "./_cli/connect.ts";
import { orFail } from "./_cli/failure.ts";
import { nearest, UsageError } from "./_cli/flags.ts";
import * as list from "./_cli/list.ts";
import * as create from "./_cli/new.ts";
import * as serve from "./_cli/serve.ts";
import { columns, print, self } from "./_cli/terminal.ts";

interface Command {
  usage(args: readonly string[]): string | Promise<string>;
  run(args: readonly string[]): number | Promise<number>;
}

const COMMANDS: Readonly<Record<string, Command>> = { serve, connect, list, new: create, build };

function usage(): string {
  return `\
Serves handlers over TCP, TLS, UDP and Unix sockets, and talks to servers.

Examples:
  ${self()} serve
  ${self()} serve echo --tcp 127.0.0.1:7000
  ${self()} serve ./my_handler.ts --tcp :7000 --idle-timeout 60
  ${self()} connect tcp://127.0.0.1:7000
  ${self(["--allow-write"])} new greeter

Commands:
${
    columns([
      ["serve [HANDLER …]", "serves handlers, shipped ones or your own, until Ctrl-C"],
      ["connect ENDPOINT", "talks to a server, by hand or through a pipe"],
      ["list", "names the shipped handlers"],
      ["new NAME", "writes a handler to begin with, and its test"],
      ["build HANDLER -o FILE", "makes one file of a handler and all that serves it"],
    ])
  }

COMMAND --help says more; --version names the version.`;
}

/**
 * Runs a command line. Errors end in one line on standard error.
 *
 * It reads standard input, prints, and (`serve`) listens for signals.
 *
 * @param args the arguments, for example `["serve", "echo", "--tcp", ":7000"]`
 * @returns the exit code: 0 done or drained, 1 failed or past the drain's deadline, 2 wrong usage
 *
 * @example
 * ```ts
 * import { main } from "@switchboard/kit/cli";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await main(["list"]), 0);
 * assertEquals(await main(["serv"]), 2);
 * ```
 */
export async function main(args: readonly string[]): Promise<number> {
  return await orFail(() => dispatch(args));
}

async function dispatch([name, ...args]: readonly string[]): Promise<number> {
  if (name === "--version") return say(`switchboard ${config.version} (deno ${Deno.version.deno})`);
  if (name === "--help" || name === "-h") return say(usage());
  if (name === undefined) throw new UsageError(`No command is given; ${self()} --help names them`);
  if (!Object.hasOwn(COMMANDS, name)) {
    const near = nearest(name, Object.keys(COMMANDS));
    throw new UsageError(
      `There is no command ${name}; ${near ? `did you mean ${near}?` : `${self()} --help names them`}`,
    );
  }
  const command = COMMANDS[name];
  const own = args.includes("--") ? args.indexOf("--") : args.length; // what follows is a program's
  const others = args.filter((arg, i) => i >= own || (arg !== "--help" && arg !== "-h"));
  return others.length < args.length ? say(await command.usage(others)) : await command.run(args);
}

function say(text: string): 0 {
  print(text);
  return 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
