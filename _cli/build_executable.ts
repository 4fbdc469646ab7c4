/**
 * The executable that `deno compile` makes.
 *
 * @module
 */
import type { Workshop } from "./build_output.ts";
import { grantFlags, type Plan } from "./build_plan.ts";
import { reasonOf, runDeno } from "./deno.ts";
import { oneOf } from "./flags.ts";

/** The systems that Deno has a runtime for. */
const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
  "aarch64-pc-windows-msvc",
];

/** Reads the name of a system. */
export const readTarget: (text: string) => string = oneOf(...TARGETS);

/** Where an executable for `target` is written: Windows runs none without its ending. */
export function executablePath(output: string, target: string = Deno.build.target): string {
  return target.includes("windows") && !/\.exe$/i.test(output) ? `${output}.exe` : output;
}

/**
 * Makes the executable in the workshop. Its data lies where its name leads, wherever it is itself.
 *
 * @returns its path
 * @throws {Error} if it cannot be made
 */
export async function compile(
  plan: Plan,
  bundle: string,
  { folder, signal }: Workshop,
  target?: string,
): Promise<string> {
  const file = executablePath(`${folder}/executable`, target);
  const { success, said } = await runDeno([
    "compile",
    "--no-check",
    "--no-config",
    "--no-lock",
    ...grantFlags(plan),
    ...target === undefined ? [] : [`--target=${target}`],
    `--app-name=${plan.name}`,
    `--output=${file}`,
    bundle,
  ], signal);
  if (!success) throw new Error(whyNotCompiled(said, target));
  return file;
}

function whyNotCompiled(said: string, target = Deno.build.target): string {
  const reason = reasonOf(said);
  if (!/denort|base binary/.test(said)) return `Cannot compile: ${reason}`;
  const [zip] = /(?<=\()https?:\S+\.zip/.exec(reason) ?? [];
  return `Cannot compile without Deno's runtime for ${target}: ${reason}; ` +
    `${zip ? "unpack that file elsewhere and name what is in it by" : "name its file by"} DENORT_BIN=FILE, ` +
    "or build with --bundle or --with-deno";
}
