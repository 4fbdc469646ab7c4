/** The command line of the benchmark. */

import { resolve } from "node:path";
import { parseArgs } from "@std/cli/parse-args";
import { UsageError } from "./complaint.ts";
import { contenderNames } from "./contender.ts";
import type { Language } from "./generator.ts";
import { type Choosable, IN_CHECK, type Selection, selectWorkloads } from "./selection.ts";

/** What was asked for. */
export interface Options extends Selection {
  readonly seconds: number;
  readonly rounds: number;
  readonly peers: boolean;
  readonly check: boolean;
  readonly help: boolean;
  /** Contenders by name, beside the bare one; the kit's when empty. */
  readonly contenders: readonly string[];
  /** Where to write everything that was measured. */
  readonly json?: string;
  /** The folder for drawings. */
  readonly plot?: string;
  /** A record to show and draw in place of measuring. */
  readonly from?: string;
  readonly generator?: Language;
}

/** Lengths and turns when nothing is said: with peers there are many more turns, so each is shorter. */
const DEFAULTS = {
  kit: { seconds: 1, rounds: 3 },
  peers: { seconds: 0.5, rounds: 3 },
  check: { seconds: 0.3, rounds: 3 },
};

const VALUED = ["seconds", "rounds", "json", "plot", "from", "generator", "contenders", "case"] as const;
const NUMBER = "a number greater than 0";
/** What an option needs behind it. */
const NEEDED: Readonly<Record<typeof VALUED[number], string>> = {
  seconds: NUMBER,
  rounds: NUMBER,
  json: "the name of a file",
  plot: "the name of a folder",
  from: "the name of a file that --json wrote",
  generator: "a language, c or typescript",
  contenders: "names, with commas between them",
  case: "a part of a case's title",
};

/** The help, examples first. */
export function usage(all: readonly Choosable[]): string {
  const { kit, peers, check } = DEFAULTS;
  const defaults = (name: "seconds" | "rounds"): string =>
    `(${kit[name]}; with --peers ${peers[name]}; with --check ${check[name]})`;
  return `deno task bench                             the kit beside bare Deno, about ten minutes
deno task bench --peers                     and beside node:net, Python, Go and C, if they are here: 12 minutes
deno task bench echo --seconds 2 --rounds 3 one workload, quickly
deno task bench echo --case "64 bytes, 64"  one case of it
deno task bench --check                     about a minute; exit code 1 when a promise fell
deno task bench --from run.json --plot DIR  drawings of an earlier run

Workloads:  ${all.map(({ name }) => name).join(", ")}
In --check: ${IN_CHECK.join(", ")}
Options:
  --case TEXT       only cases that have this in their titles, as tables show them
  --seconds N       length of a measured window ${defaults("seconds")}
  --rounds N        turns of every contender ${defaults("rounds")}
  --peers           add the peers
  --contenders A,B  only these, beside bare Deno: ${contenderNames().join(", ")}
  --generator L     c or typescript; by default c where a compiler is
  --json FILE       write every sample of every round
  --plot DIR        draw what was measured, as SVG
  --from FILE       show what --json wrote, and measure nothing
  --check           compare with the promises at a generous margin
`;
}

/** Reads the command line; throws `UsageError` in one sentence. Paths are relative to `folder`. */
export function parseOptions(
  args: readonly string[],
  all: readonly Choosable[],
  folder: string = Deno.cwd(),
): Options {
  const parsed = parseArgs(withNegatives(args), {
    boolean: ["peers", "check", "help"],
    string: VALUED,
    alias: { help: "h" },
    unknown: (arg, key) => {
      if (key !== undefined) throw new UsageError(`There is no option ${arg}`);
    },
  });
  refuseEmpty(parsed);
  const defaults = DEFAULTS[parsed.check ? "check" : parsed.peers ? "peers" : "kit"];
  const workloads = known(parsed._.map(String), all.map(({ name }) => name), "workload");
  const path = (given: string | undefined): string | undefined => given && resolve(folder, given);
  const check = parsed.check && parsed.from === undefined; // a record may hold more than the gate measures
  if (check) refuseUnchecked(workloads);
  return {
    workloads,
    case: knownCase({ workloads, check, case: parsed.case }, all),
    contenders: known(listed(parsed.contenders), contenderNames(), "contender"),
    seconds: positive("--seconds", parsed.seconds, defaults.seconds),
    rounds: Math.ceil(positive("--rounds", parsed.rounds, defaults.rounds)),
    generator: parsed.generator && known([parsed.generator], ["c", "typescript"], "generator")[0],
    json: path(parsed.json),
    plot: path(parsed.plot),
    from: path(parsed.from),
    peers: parsed.peers,
    check: parsed.check,
    help: parsed.help,
  };
}

/** Takes a negative number for the value of the option before it; it would be taken for an option itself. */
function withNegatives(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const before = joined.at(-1);
    if (/^-[\d.]/.test(arg) && VALUED.some((name) => before === `--${name}`)) {
      joined.push(`${joined.pop()}=${arg}`);
    } else joined.push(arg);
  }
  return joined;
}

function refuseEmpty(parsed: { readonly [option: string]: unknown }): void {
  const empty = VALUED.find((name) => typeof parsed[name] === "string" && parsed[name].trim() === "");
  if (empty) throw new UsageError(`--${empty} needs ${NEEDED[empty]}`);
}

/** The names between commas. */
function listed(names: string | undefined): string[] {
  return names?.split(",").map((name) => name.trim()) ?? [];
}

function refuseUnchecked(workloads: readonly string[]): void {
  const others = workloads.filter((name) => !IN_CHECK.includes(name));
  if (others.length === 0) return;
  throw new UsageError(`--check measures no promise of ${others.join(", ")}; it has ${IN_CHECK.join(", ")}`);
}

/** Keeps the text if a case has it. */
function knownCase(selection: Selection, all: readonly Choosable[]): string | undefined {
  if (selection.case === undefined || selectWorkloads(all, selection).length > 0) return selection.case;
  const titles = selectWorkloads(all, { ...selection, case: undefined }).flatMap(({ name, cases }) =>
    cases?.map((title) => `${name}: ${title}`) ?? []
  );
  const there = titles.length > 0 ? `there are ${titles.join("; ")}` : "these workloads run as a whole";
  throw new UsageError(`There is no case with "${selection.case}" in its title; ${there}`);
}

function known<N extends string>(names: readonly string[], all: readonly N[], what: string): N[] {
  for (const name of names) {
    if (!all.includes(name as N)) {
      throw new UsageError(`There is no ${what} ${name || '""'}; there are ${all.join(", ")}`);
    }
  }
  return names as N[];
}

function positive(option: string, given: string | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  const value = Number(given);
  if (value > 0 && value < Infinity) return value;
  throw new UsageError(`${option} must be a number greater than 0: received ${given}`);
}
