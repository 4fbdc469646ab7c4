// deno-lint-ignore-file no-import-prefix -- the one place that names the package behind the links
/**
 * Stands for `jsr:@std/cli/parse-args`; see ../README.md.
 *
 * @module
 */
import { parseArgs as parseArgs_ } from "npm:deno-std@1.4.0/cli/parse_args.js";

/** The options of {@linkcode parseArgs} that the command line uses, with the names and meanings of `@std/cli`. */
export interface ParseOptions {
  /** Put what follows `--` under the key `--`. */
  "--"?: boolean;
  /** One or several aliases per option. */
  alias?: Record<string, string | readonly string[]>;
  /** Options that take no value. */
  boolean?: readonly string[];
  /** Options that may be given several times. */
  collect?: readonly string[];
  /** Values for options that are not given. */
  default?: Record<string, unknown>;
  /** Boolean options that have a `--no-` form. */
  negatable?: readonly string[];
  /** Stop at the first argument that is no option. */
  stopEarly?: boolean;
  /** Options whose value stays a string. */
  string?: readonly string[];
  /** Called for every argument that no other setting names. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** Reads a command line into an object; arguments that are no options are under `_`. */
export const parseArgs: (
  args: readonly string[],
  options?: ParseOptions,
  // deno-lint-ignore no-explicit-any
) => { [key: string]: any; _: (string | number)[] } = parseArgs_;
