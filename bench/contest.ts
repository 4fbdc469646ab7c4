/** A workload in which contenders take turns at the same work: A B C, A B C, … */

import type { Command } from "./child.ts";
import type { Contender, Service } from "./contender.ts";
import { type Generator, type Lengths, readReport } from "./generator.ts";
import { coresMoved, countedTurns, isAlwaysElsewhere, pairUp, setAside, usualDistance } from "./pairing.ts";
import { takeRounds } from "./rounds.ts";
import { Server } from "./server.ts";
import { spreadOf } from "./statistics.ts";
import { showProgress } from "./terminal.ts";
import { cpuRatioToBare, generatorLimits, judge, machineLimits, ratioToBare } from "./verdict.ts";
import type {
  BarPlot,
  Bench,
  Bound,
  Column,
  Figures,
  Plot,
  Report,
  Row,
  Sample,
  Table,
  Workload,
} from "./workload.ts";
import { MissingToolError, type Workshop } from "./workshop.ts";

/** What a contest is made of. */
export interface Contest {
  readonly name: string;
  readonly title: string;
  readonly service: Service;
  readonly cases: readonly Case[];
  /** Throws `MissingToolError` where the work cannot be given to anybody. */
  prepare?(bench: Bench): Promise<void>;
}

/** One variation of the work, and what is compared. */
export interface Case {
  readonly title: string;
  readonly columns: readonly Column[];
  /** The column that ratios and the promise are about, if there is one. */
  readonly leading?: string;
  /** Its figures are neither rates nor times, so that it does not matter to them how far apart the cores are. */
  readonly timeless?: boolean;
  /** What the kit promises, whichever of its contenders. */
  readonly promise?: Bound;
  /** What single contenders promise, by their names. */
  readonly promises?: Readonly<Record<string, Bound>>;
  /** Who takes part beside the bare one, unless the command line says it; everybody who can by default. */
  readonly wanted?: readonly string[];
  /** How it is drawn; as bars of the leading figure, and of the CPU time if there is such a column, by default. */
  readonly plots?: readonly Plot[];
  /** The names of the kit's contenders that the quick gate measures; without them it leaves the case out. */
  readonly check?: readonly string[];
  /** How many times as many rounds as asked for, for figures that need many, or few; never more in the quick gate. */
  readonly roundsFactor?: number;
  /** Seconds of warm-up before the window, where half a second is too short for the optimizing compiler to be done. */
  readonly warmup?: number;
  /** One turn: puts a server that has just started to work. */
  measure(turn: Turn): Promise<Sample>;
}

/** What one turn is given. */
export interface Turn extends Lengths {
  readonly server: Server;
  readonly generator: Generator;
  readonly workshop: Workshop;
  /** How the server was started, for work that needs several. */
  readonly command: Command;
}

interface Entrant {
  readonly contender: Contender;
  readonly command: Command;
  readonly samples: Sample[];
  failure: string | null;
}

const WARMUP_SECONDS = 0.5; // the optimizing compiler is done by then, as a rule
const REHEARSAL_CLIENTS = 100;

/** Makes a workload of a contest. */
export function contest(definition: Contest): Workload {
  const { name, title } = definition;
  const cases = definition.cases.map(({ title }) => title);
  return { name, title, cases, run: (bench) => runContest(definition, bench) };
}

/** Runs a contest; a workload that must find something out before it has cases calls this itself. */
export async function runContest(definition: Contest, bench: Bench): Promise<Report> {
  const { name, title } = definition;
  try {
    await definition.prepare?.(bench);
    return await runCases(definition, bench);
  } catch (error) {
    if (!(error instanceof MissingToolError)) throw error;
    return { workload: name, title, tables: [], missing: [`${title} ${error.message}`] };
  }
}

async function runCases(definition: Contest, bench: Bench): Promise<Report> {
  const { name, title, service } = definition;
  const cases = definition.cases.filter((entry) => bench.wantsCase(entry.title));
  const missing: string[] = [];
  const tables: Table[] = [];
  for (const entry of cases.filter((entry) => !bench.check || entry.check)) {
    const contenders = bench.contenders(service, bench.check ? entry.check : entry.wanted);
    if (contenders.length === 0) continue;
    const entrants = await enter(contenders, bench, missing);
    tables.push(await runCase(definition, entry, entrants, bench));
  }
  return { workload: name, title, tables, missing: [...new Set(missing)] };
}

async function enter(contenders: readonly Contender[], bench: Bench, missing: string[]): Promise<Entrant[]> {
  const entrants: Entrant[] = [];
  for (const contender of contenders) {
    try {
      const command = await contender.command(bench.workshop);
      entrants.push({ contender, command, samples: [], failure: null });
    } catch (error) {
      if (!(error instanceof MissingToolError)) throw error;
      missing.push(`${contender.title} ${error.message}`);
    }
  }
  return entrants;
}

async function runCase(definition: Contest, entry: Case, entrants: Entrant[], bench: Bench): Promise<Table> {
  const factor = entry.roundsFactor ?? 1;
  const rounds = Math.ceil(bench.rounds * (bench.check ? Math.min(1, factor) : factor));
  await takeRounds(entrants, rounds, async (entrant, round) => {
    const place = round > rounds ? `further round ${round - rounds}` : `round ${round} of ${rounds}`;
    showProgress(`${definition.name}: ${entry.title} · ${place} · ${entrant.contender.title}`);
    await takeTurn(entry, entrant, round, bench);
  });
  const usual = usualDistance(entrants.flatMap(({ samples }) => samples));
  return {
    title: entry.title,
    columns: entry.columns,
    rows: entrants.map((entrant) => toRow(entry, entrant, { bare: entrants[0], rounds, usual })),
    notes: notesOn(entrants, usual),
    plots: entry.plots ?? [barsOf(definition, entry)],
  };
}

/** Named after the workload, and after the case where there are several. */
function barsOf(contest: Contest, { title, leading, columns }: Case): BarPlot {
  const words = contest.cases.length > 1 ? `${contest.name} ${title}` : contest.name;
  const keys = leading ? [leading] : columns.map(({ key }) => key);
  if (leading !== "cpu" && columns.some(({ key }) => key === "cpu")) keys.push("cpu");
  return {
    kind: "bars",
    name: words.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_"),
    title: `${contest.title}: ${title}`,
    columns: keys,
    ratioOf: leading,
  };
}

/** A fresh process for every turn: how one start happens to be compiled and laid out in memory is noise too. */
async function takeTurn(entry: Case, entrant: Entrant, round: number, bench: Bench): Promise<void> {
  const { generator, workshop, seconds } = bench;
  const probe = (): number | null => entry.leading && !entry.timeless ? bench.probeCores() : null;
  try {
    await using server = await Server.start(entrant.command, entrant.contender.cores);
    try {
      if (entrant.contender.service === "echo" && !entry.timeless) await rehearse(server, generator);
      const warmup = entry.warmup ?? Math.min(WARMUP_SECONDS, seconds);
      const turn = { server, generator, seconds, warmup, workshop, command: entrant.command };
      const before = probe();
      const sample = await entry.measure(turn);
      const after = probe();
      const coreDistance = before === null || after === null ? undefined : [before, after] as const;
      entrant.samples.push({ ...sample, round, coreDistance });
    } catch (error) {
      const complaints = server.complaints && `\n${server.complaints}`;
      throw new Error(`${(error as Error).message}${complaints}`, { cause: error });
    }
  } catch (error) {
    entrant.failure = (error as Error).message;
  }
}

/**
 * Lets some clients come, talk and go. A server in use has seen that, and it matters: Python's asyncio, for one, is
 * several times slower until the first client has left, as only then glibc learns to keep memory of that size. Not where
 * memory is measured: what those clients have left behind would take in the next.
 */
async function rehearse(server: Server, generator: Generator): Promise<void> {
  await using clients = generator.start("idle", server, [REHEARSAL_CLIENTS]);
  await readReport(clients);
  await clients.tell("exchange");
  await readReport(clients);
}

/** What a row is seen against. */
interface Background {
  readonly bare: Entrant;
  /** The number of rounds asked for. */
  readonly rounds: number;
  /** How far apart the cores were in most turns of the table. */
  readonly usual: number | null;
}

function toRow(entry: Case, entrant: Entrant, { bare, rounds, usual }: Background): Row {
  const { contender: { name, title, group }, samples, failure } = entrant;
  const comparable = failure === null && bare.failure === null;
  const turns = setAside(samples, usual);
  const promise = group === "kit" && comparable && entry.leading
    ? entry.promises?.[name] ?? entry.promise
    : undefined;
  return {
    name,
    title,
    group,
    samples: turns,
    failure,
    figures: mediansOf(countedTurns({ samples: turns })),
    ratio: comparable && entry.leading ? ratioToBare(samples, bare.samples, entry.leading, rounds) : null,
    cpuRatio: comparable ? cpuRatioToBare(samples, bare.samples, rounds) : null,
    verdict: promise ? judge(promise, entry.leading!, samples, bare.samples, rounds) : null,
  };
}

function mediansOf(samples: readonly Sample[]): Figures {
  const keys = new Set(samples.flatMap(({ figures }) => Object.keys(figures)));
  const medians: Record<string, number | null> = {};
  for (const key of keys) medians[key] = spreadOf(samples.map(({ figures }) => figures[key]))?.median ?? null;
  return medians;
}

function notesOn(entrants: readonly Entrant[], usual: number | null): string[] {
  const [bare] = entrants;
  const note = (turnsOf: (entrant: Entrant) => unknown[], what: string): string[] => {
    const turns = entrants.map((entrant) => ({
      title: entrant.contender.title,
      count: turnsOf(entrant).length,
      of: entrant.samples.length,
    })).filter(({ count }) => count > 0);
    if (turns.length === 0) return [];
    const whose = turns.map(({ title, count, of }) => `${title} (${count} of ${of})`).join(", ");
    return [`${what} in these turns, which give no ratio: ${whose}.`];
  };
  const elsewhere = entrants.filter(({ samples }) => isAlwaysElsewhere(samples, usual));
  const moved = (entrant: Entrant): unknown[] =>
    entrant === bare ? [] : pairUp(entrant.samples, bare.samples).filter(coresMoved);
  return [
    ...note(({ samples }) => samples.filter(generatorLimits), "The generator set the pace"),
    ...note(({ samples }) => samples.filter(machineLimits), "Other programs kept the server from running"),
    ...note(moved, "The machine's cores were farther apart, or nearer, than in bare's turn of the round,"),
    ...elsewhere.map(({ contender: { title } }) =>
      `The machine's cores were elsewhere than usual in every turn of ${title}: compare its ratio, not its figures.`
    ),
  ];
}
