/**
 * The server of a program that `build` made, with a command line like that of `serve`.
 *
 * @module
 */
import config from "../deno.json" with { type: "json" };
import { loadHandler } from "../server/load.ts";
import { type BuiltIn, settingFlags } from "./assignment.ts";
import { orFail } from "./failure.ts";
import { describeFlags, UsageError } from "./flags.ts";
import { handlerOf, type Program } from "./program.ts";
import { run, usageOfFlags } from "./serve.ts";
import { callSelf, columns, print, self } from "./terminal.ts";

/**
 * Runs the program's command line.
 *
 * @returns the exit code
 */
export function serveBuiltIn(program: Program): Promise<number> {
  return orFail(() => dispatch(program, Deno.args));
}

async function dispatch(program: Program, [first = "", ...rest]: readonly string[]): Promise<number> {
  const launcher = /^--started-as=(.*)$/s.exec(first)?.[1]; // it says so first
  if (launcher) callSelf(launcher);
  else if (Deno.build.standalone) callSelf(Deno.execPath());
  const args = launcher ? rest : Deno.args;
  if (Deno.build.standalone && args.some((arg) => arg.startsWith("--processes"))) {
    throw new UsageError("This executable has no Deno to run in processes: --workers has threads");
  }
  if (args.includes("--version")) return say(`${program.name} (switchboard ${config.version})`);
  const builtIn: BuiltIn = { ...program, module: await loadHandler(handlerOf(program)) };
  const asked = args.includes("--help") || args.includes("-h");
  return asked ? say(usage(builtIn, launcher ? LAUNCHED : "")) : await run(args, builtIn);
}

const LAUNCHED = "\n--allow-net=HOST, --allow-read=PATH and the like permit more than what is built in.";

function usage({ name, module, args }: BuiltIn, more: string): string {
  const settings = settingFlags([module]);
  const own = Object.keys(settings).length > 0 ? `The handler:\n${describeFlags(settings)}\n\n` : "";
  return `\
Serves ${name} until Ctrl-C.

Examples:
  ${self()}
  ${self()} --tcp 127.0.0.1:7000
  ${self()} --tcp :7000 --unix /tmp/my.sock --max-connections 100
  ${self()} --log json --drain 5

Usage: ${self()} [FLAG …]

Built in: ${args.length > 0 ? args.join(" ") : "no flags; it gets a free port of loopback"}
A flag takes the place of the same flag built in, an endpoint that of all endpoints built in.${more}

${own}Where to listen:
${usageOfFlags()}

${columns([["--version", "names this program and the kit that it was built with"]])}`;
}

function say(text: string): 0 {
  print(text);
  return 0;
}
