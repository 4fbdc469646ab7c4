/**
 * Flags: from a table to values, and to the lines of a usage text.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { columns } from "./terminal.ts";

/** The command line asks for something that cannot be; exit code 2. */
export class UsageError extends Error {
  /** `"UsageError"`. */
  override readonly name = "UsageError";
}

/** One flag of a command. */
export interface Flag {
  /** What its value is called in the usage text; a flag without is a switch. */
  value?: string;
  /** What it does, in a line. */
  help: string;
  /** Whether it may be given several times. */
  many?: boolean;
  /** Makes of the text what the program uses; the text itself if it is left out. Throws a {@linkcode UsageError}. */
  read?: (text: string) => unknown;
}

/** The flags of a command by name, without dashes. */
export type Flags = Readonly<Record<string, Flag>>;

/** A command line, read. */
export interface Arguments {
  /** What is no flag. */
  positional: string[];
  /** The values of the flags that were given: `true` for a switch, a list for a flag that may be repeated. */
  // deno-lint-ignore no-explicit-any -- as the table says
  values: Record<string, any>;
}

/**
 * Reads a command line.
 *
 * @throws {UsageError} naming a flag that is unknown, lacks its value, or has one that cannot be read
 */
export function readArguments(args: readonly string[], flags: Flags): Arguments {
  const names = Object.keys(flags);
  rejectSwitchValues(args, flags);
  const parsed = parse(args, flags, (arg) => rejectUnknown(arg, names));
  const values: Arguments["values"] = {};
  for (const name of names) {
    const given = parsed[name];
    if (given === undefined || given === false || isEmpty(given)) continue;
    const flag = flags[name];
    values[name] = Array.isArray(given)
      ? given.map((text) => readValue(name, flag, text))
      : readValue(name, flag, given);
  }
  return { positional: parsed._.map(String), values };
}

/** The flags of a command line, each with its value in one argument, and nothing else. */
export function flagsOf(args: readonly string[], flags: Flags): string[] {
  const parsed = parse(args, flags, () => true);
  return Object.entries(flags).flatMap(([name, { value }]) => {
    const given = [parsed[name] ?? []].flat().filter((text) => text !== false);
    return given.map((text) => value ? `--${name}=${text}` : `--${name}`);
  });
}

/** A flag that may be repeated and was not given: it must not stand over what somebody else has said. */
function isEmpty(given: unknown): boolean {
  return Array.isArray(given) && given.length === 0;
}

/** What is no flag, where not all flags are known yet. What follows an unknown flag is taken for its value. */
export function findPositional(args: readonly string[], flags: Flags): string[] {
  return parse(args, flags, () => true)._.map(String);
}

function parse(
  args: readonly string[],
  flags: Flags,
  unknown: (arg: string) => boolean,
): ReturnType<typeof parseArgs> {
  if (args.includes("")) throw new UsageError("One of the arguments is empty");
  const names = Object.keys(flags);
  return parseArgs(args, {
    string: ["_", ...names.filter((name) => flags[name].value)],
    boolean: names.filter((name) => !flags[name].value),
    collect: names.filter((name) => flags[name].many),
    unknown: (arg, key) => key === undefined || unknown(arg),
  });
}

function rejectSwitchValues(args: readonly string[], flags: Flags): void {
  for (const [name, { value }] of Object.entries(flags)) {
    if (!value && args.some((arg) => arg.startsWith(`--${name}=`))) {
      throw new UsageError(`--${name} takes no value`);
    }
  }
}

function rejectUnknown(arg: string, names: readonly string[]): never {
  const written = arg.replace(/=.*$/s, "");
  const near = nearest(written.replace(/^-+/, ""), names);
  throw new UsageError(`There is no flag ${written}${near ? `; did you mean --${near}?` : ""}`);
}

function readValue(name: string, { value, read }: Flag, text: string | boolean): unknown {
  if (typeof text !== "string") return text;
  if (text === "") throw new UsageError(`--${name} needs a value: --${name} ${value}`);
  try {
    return read ? read(text) : text;
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`--${name}: ${error.message}`) : error;
  }
}

/** The lines of a usage text that tell of `flags`. */
export function describeFlags(flags: Flags): string {
  return columns(
    Object.entries(flags).map(([name, { value, help, many }]) =>
      [
        `--${name}${value ? ` ${value}` : ""}${many ? " …" : ""}`,
        help,
      ] as const
    ),
  );
}

/** The candidate that is written most like `word`, if one is: two letters or a third of them may differ. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const [best] = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, candidate.length / 3))
    .sort((a, b) => a.distance - b.distance);
  return best?.candidate;
}

/** How many letters must be changed, left out or put in (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(row[j] + (letter === b[j] ? 0 : 1), row[j + 1] + 1, next[j] + 1));
    }
    row = next;
  }
  return row[b.length];
}

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** A time in milliseconds, of text such as `30` (seconds), `1.5s`, `500ms`, `2m`, `1h`. */
export function readTime(text: string): number {
  const [, number, unit = "s"] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  if (number === undefined) throw new UsageError(`"${text}" is no time: write 30 (seconds), 500ms, 2m or 1h`);
  return Number(number) * UNITS[unit];
}

/** A number; `Infinity` is one. */
export function readNumber(text: string): number {
  const number = Number(text);
  if (Number.isNaN(number)) throw new UsageError(`"${text}" is no number`);
  return number;
}

/** A function that reads one of these words. */
export function oneOf(...words: string[]): (text: string) => string {
  return (text) => {
    if (words.includes(text)) return text;
    throw new UsageError(`"${text}" is none of ${words.join(", ")}`);
  };
}
