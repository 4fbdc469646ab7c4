/**
 * Deno as a tool: what `build` and others have it do.
 *
 * @module
 */
import { findConfigFile } from "../server/workers/_config_file.ts";
import { oneLine } from "./terminal.ts";

/** How a run of Deno ended. */
interface Ending {
  /** Whether all went well. */
  success: boolean;
  /** What it said on standard error, without colours. */
  said: string;
}

/**
 * Runs a subcommand of the Deno that runs this program.
 *
 * @param signal aborted, it ends the run
 * @throws the reason of the signal
 */
export async function runDeno(args: readonly string[], signal: AbortSignal): Promise<Ending> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    signal,
  }).output();
  signal.throwIfAborted();
  return { success, said: new TextDecoder().decode(stderr) };
}

/** What a subcommand of the Deno that runs this program prints. */
export async function runDenoForOutput(args: readonly string[]): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout);
}

/** Flags by which Deno finds the modules that this program finds: the configuration, and the hosts that it may import from. */
export function graphFlags(): string[] {
  const config = findConfigFile();
  const { state } = Deno.permissions.querySync({ name: "import" });
  return [
    ...config === undefined ? [] : [`--config=${config}`],
    ...state === "granted" ? ["--allow-import"] : [],
  ];
}

/** Why Deno failed, in one line: the first cause that says more than where it happened, or else the error itself. */
export function reasonOf(said: string): string {
  const [cause] = /(?<=^ +(?:\d+: )?)(?:error |Could not |Invalid |Failed ).*$/m.exec(said) ?? [];
  const [error] = /(?<=^error: ).*$/m.exec(said) ?? [];
  return oneLine(cause ?? error ?? "") || "Deno does not say why";
}
