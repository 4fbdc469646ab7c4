/**
 * `--port N`, which every example takes.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";

/** The port from the command line, or `fallback`. */
export function portFromArgs(fallback: number): number {
  return Number(parseArgs(Deno.args, { string: ["port"] }).port ?? fallback);
}
