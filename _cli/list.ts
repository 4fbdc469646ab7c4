/**
 * `list`: the shipped handlers.
 *
 * @module
 */
import { shippedHandlers } from "../handlers/shipped.ts";
import { readArguments, UsageError } from "./flags.ts";
import { columns, print, self } from "./terminal.ts";

/** What `list --help` prints. */
export function usage(): string {
  return `\
Names the shipped handlers.

Examples:
  ${self()} list
  ${self()} serve echo

Usage: list`;
}

/** Runs `list`; resolves to its exit code. */
export function run(args: readonly string[]): number {
  const { positional } = readArguments(args, {});
  if (positional.length > 0) throw new UsageError("list takes no arguments");
  print(columns(Object.entries(shippedHandlers).map(([name, { description }]) => [name, description])));
  return 0;
}
