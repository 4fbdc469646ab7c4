/**
 * `build`: a handler and all that serves it, as one file.
 *
 * @module
 */
import { mergePermissions, permissionFlags } from "../server/permissions.ts";
import { BUILD_FLAGS, type BuildArguments, readBuildArguments } from "./build_arguments.ts";
import { bundle } from "./build_bundle.ts";
import { compile, executablePath } from "./build_executable.ts";
import { packWithDeno } from "./build_launcher.ts";
import { InterruptedError, type Made, produce, type Workshop } from "./build_output.ts";
import { type Plan, planProgram } from "./build_plan.ts";
import { describeFlags } from "./flags.ts";
import { complain, deno, print, quoted, self } from "./terminal.ts";

/** What `build --help` prints. */
export function usage(): string {
  return `\
Makes one file of a handler and all that serves it.

Examples:
  ${self()} build ./my_handler.ts -o my_server --tcp 127.0.0.1:7000
  ${self()} build ./my_handler.ts -o my_server --with-deno
  ${self()} build ./my_handler.ts -o my_server.js --bundle
  ${self()} build echo -o echo --target aarch64-unknown-linux-gnu
  ${self()} build ./my_handler.ts -o my_server --allow-read=data

Usage: build HANDLER -o FILE [FLAG …]

HANDLER is the name of a shipped handler, or the path or URL of a module, as for "serve". All other flags of "serve" are
built in, and those of the handler too; the program that is made takes the same flags, which stand over those built in.
A path is written into it as it is given.

${describeFlags(BUILD_FLAGS)}

Without --bundle or --with-deno, "deno compile" makes the executable. It fetches a runtime, from dl.deno.land; DENORT_BIN
names its file where that cannot be had. All three bundle first, with a bundler that Deno fetches once from npm.

An executable may do what its endpoints and its handler need, at any port of their hosts, and no more. Deno's own flags add
to that, as --allow-read=data --allow-net. A bundle gets its permissions from whoever runs it.

Exit codes: 0 made, 1 failed, 2 wrong usage, 128 and the signal's number where a signal ended it. Where it fails, nothing
is written.`;
}

/** Runs `build`; resolves to its exit code. */
export async function run(args: readonly string[]): Promise<number> {
  if (Deno.build.standalone) throw new Error("build needs Deno: an executable cannot make another");
  const wanted = readBuildArguments(args);
  const output = wanted.form === "executable" ? executablePath(wanted.output, wanted.target) : wanted.output;
  try {
    const way = await produce(output, wanted.force, (workshop) => make(wanted, output, workshop));
    print(`${output} is made: ${way}`);
    return 0;
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    complain(`error: ${error.message}`);
    return error.code;
  }
}

async function make(wanted: BuildArguments, output: string, workshop: Workshop): Promise<Made> {
  const plan = await planProgram(wanted, workshop.signal);
  const file = await bundle(plan, workshop);
  switch (wanted.form) {
    case "bundle":
      return { file, way: wayToRun(plan, output) };
    case "with-deno":
      return { file: await packWithDeno(plan, file, workshop), way: runnable(output) };
    case "executable":
      return { file: await compile(plan, file, workshop, wanted.target), way: runnable(output) };
  }
}

/** What a person can paste to run a bundle. */
function wayToRun(
  { permissions, unstableNet, startsThreads, startsProcesses }: Plan,
  output: string,
): string {
  const flags = permissionFlags(mergePermissions([
    permissions,
    startsThreads ? { read: [output] } : {},
    startsProcesses ? { run: [Deno.execPath()] } : {},
  ]));
  return [deno(), "run", ...unstableNet ? ["--unstable-net"] : [], ...[...flags, output].map(quoted)].join(
    " ",
  );
}

/** What a person can paste to start an executable. */
function runnable(output: string): string {
  return quoted(/[/\\]/.test(output) ? output : `./${output}`);
}
