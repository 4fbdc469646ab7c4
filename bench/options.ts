/** The command line of the benchmark. */

import { parseArgs } from "@std/cli/parse-args";
import { contenderNames } from "./contender.ts";
import type { Language } from "./generator.ts";

/** What was asked for. */
export interface Options {
  /** Workloads by name; all when empty. */
  readonly workloads: readonly string[];
  readonly seconds: number;
  readonly rounds: number;
  readonly peers: boolean;
  readonly check: boolean;
  readonly help: boolean;
  /** Contenders by name, beside the bare one; the kit's when empty. */
  readonly contenders: readonly string[];
  /** Where to write everything that was measured. */
  readonly json?: string;
  readonly generator?: Language;
}

/** A command line that asks for something there is not. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const CHECK_SECONDS = 1;
const CHECK_ROUNDS = 3;

/** The help, examples first. */
export function usage(workloads: readonly string[]): string {
  return `deno task bench                             everything, about ten minutes
deno task bench echo --seconds 2 --rounds 3 one workload, quickly
deno task bench echo --peers                beside node:net, Python, Go and C too, as far as they are here
deno task bench --check                     a minute; exit code 1 when a promise fell

Workloads:  ${workloads.join(", ")}
Options:
  --seconds N       length of a measured window (2; with --check ${CHECK_SECONDS})
  --rounds N        turns of every contender (5; with --check ${CHECK_ROUNDS})
  --peers           add the peers
  --contenders A,B  only these, beside bare Deno: ${contenderNames().join(", ")}
  --generator L     c or typescript; by default c where a compiler is
  --json FILE       write every sample of every round
  --check           compare with the promises at a generous margin
`;
}

/** Reads the command line; throws `UsageError` in one sentence. */
export function parseOptions(args: readonly string[], workloads: readonly string[]): Options {
  const parsed = parseArgs(args, {
    boolean: ["peers", "check", "help"],
    string: ["seconds", "rounds", "json", "generator", "contenders"],
    alias: { help: "h" },
    unknown: (arg, key) => {
      if (key !== undefined) throw new UsageError(`There is no option ${arg}`);
    },
  });
  return {
    workloads: known(parsed._.map(String), workloads, "workload"),
    contenders: known(parsed.contenders?.split(",") ?? [], contenderNames(), "contender"),
    seconds: positive("--seconds", parsed.seconds, parsed.check ? CHECK_SECONDS : 2),
    rounds: Math.ceil(positive("--rounds", parsed.rounds, parsed.check ? CHECK_ROUNDS : 5)),
    generator: parsed.generator && known([parsed.generator], ["c", "typescript"], "generator")[0],
    json: parsed.json,
    peers: parsed.peers,
    check: parsed.check,
    help: parsed.help,
  };
}

function known<N extends string>(names: readonly string[], all: readonly N[], what: string): N[] {
  for (const name of names) {
    if (!all.includes(name as N)) {
      throw new UsageError(`There is no ${what} ${name}; there are ${all.join(", ")}`);
    }
  }
  return names as N[];
}

function positive(option: string, given: string | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  const value = Number(given);
  if (!(value > 0)) throw new UsageError(`${option} must be a number greater than 0: received ${given}`);
  return value;
}
