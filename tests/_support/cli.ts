/**
 * The command line as a child process.
 *
 * @module
 */
import { Program } from "./program.ts";

const CLI = new URL("../../cli.ts", import.meta.url).href;

/** How a command line ended, and what it printed. */
export interface Ending {
  /** Its exit code. */
  code: number;
  /** What it printed on standard output. */
  output: string;
  /** What it printed on standard error. */
  errors: string;
}

/** No command line of a test takes longer, in milliseconds. */
const PATIENCE = 20_000;

/** Runs a command line to its end in the folder `cwd`, feeding it `input`; `env` is added to the environment. */
export async function cli(
  args: string[],
  { input = "", flags = ["-A"], env = {}, cwd = Deno.cwd() } = {},
): Promise<Ending> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...flags, CLI, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    env: { ...env, NO_COLOR: "1" },
    cwd,
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
  const fed = new Response(input).body!.pipeTo(child.stdin).catch(() => {}); // it ended before it had read all
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  await fed;
  return { code, output: new TextDecoder().decode(stdout), errors: new TextDecoder().decode(stderr) };
}

/** Starts a command line that goes on, such as `serve`. */
export function startCli(args: string[], flags: string[] = ["-A"]): Program {
  return new Program("cli.ts", { args, flags: ["--no-prompt", ...flags] });
}

/** A handler module that is its own URL. */
export function handlerModule(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}
