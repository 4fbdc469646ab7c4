/** A workload in which contenders take turns at the same work: A B C, A B C, … */

import type { Command } from "./child.ts";
import type { Contender, Service } from "./contender.ts";
import { type Generator, type Lengths, readReport } from "./generator.ts";
import { Server } from "./server.ts";
import { spreadOf } from "./statistics.ts";
import { showProgress } from "./terminal.ts";
import { cpuRatioToBare, generatorLimits, judge, machineLimits, ratioToBare } from "./verdict.ts";
import type { Bench, Bound, Column, Figures, Report, Row, Sample, Table, Workload } from "./workload.ts";
import { MissingToolError } from "./workshop.ts";

/** What a contest is made of. */
export interface Contest {
  readonly name: string;
  readonly title: string;
  readonly service: Service;
  readonly cases: readonly Case[];
}

/** One variation of the work, and what is compared. */
export interface Case {
  readonly title: string;
  readonly columns: readonly Column[];
  /** The column that ratios and the promise are about; a `rate` is not compared when the generator limited it. */
  readonly leading: string;
  readonly promise?: Bound;
  /** The names of the kit's contenders that the quick gate measures; without them it leaves the case out. */
  readonly check?: readonly string[];
  /** How many times more rounds than asked for, but in the quick gate; for figures that need many. */
  readonly roundsFactor?: number;
  /** One turn: puts a server that has just started to work. */
  measure(turn: Turn): Promise<Sample>;
}

/** What one turn is given. */
export interface Turn extends Lengths {
  readonly server: Server;
  readonly generator: Generator;
}

interface Entrant {
  readonly contender: Contender;
  readonly command: Command;
  readonly samples: Sample[];
  failure: string | null;
}

const WARMUP_SECONDS = 0.5; // the optimizing compiler is done by then
const REHEARSAL_CLIENTS = 100;

/** Makes a workload of a contest. */
export function contest(definition: Contest): Workload {
  const { name, title } = definition;
  return { name, title, run: (bench) => runContest(definition, bench) };
}

async function runContest({ name, title, service, cases }: Contest, bench: Bench): Promise<Report> {
  const missing: string[] = [];
  const tables: Table[] = [];
  for (const entry of cases.filter((entry) => !bench.check || entry.check)) {
    const contenders = bench.contenders(service).filter((contender) => takesPart(contender, entry, bench));
    if (contenders.length === 0) continue;
    tables.push(
      await runCase(`${name}: ${entry.title}`, entry, await enter(contenders, bench, missing), bench),
    );
  }
  return { workload: name, title, tables, missing: [...new Set(missing)] };
}

function takesPart(contender: Contender, entry: Case, bench: Bench): boolean {
  return !bench.check || contender.group === "bare" || entry.check!.includes(contender.name);
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

async function runCase(label: string, entry: Case, entrants: Entrant[], bench: Bench): Promise<Table> {
  const rounds = bench.rounds * (bench.check ? 1 : entry.roundsFactor ?? 1);
  for (let round = 1; round <= rounds; round++) {
    for (const entrant of entrants.filter(({ failure }) => failure === null)) {
      showProgress(`${label} · round ${round} of ${rounds} · ${entrant.contender.title}`);
      await takeTurn(entry, entrant, bench);
    }
  }
  const bare = entrants[0];
  return {
    title: entry.title,
    columns: entry.columns,
    rows: entrants.map((entrant) => toRow(entry, entrant, bare)),
    notes: notesOn(entrants),
  };
}

/** A fresh process for every turn: how one start happens to be compiled and laid out in memory is noise too. */
async function takeTurn(entry: Case, entrant: Entrant, bench: Bench): Promise<void> {
  const { generator, seconds } = bench;
  try {
    await using server = await Server.start(entrant.command);
    try {
      if (entrant.contender.service === "echo") await rehearse(server, generator);
      entrant.samples.push(await entry.measure({ server, generator, seconds, warmup: WARMUP_SECONDS }));
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
 * several times slower until the first client has left, as only then glibc learns to keep memory of that size.
 */
async function rehearse(server: Server, generator: Generator): Promise<void> {
  await using clients = generator.start("idle", server, [REHEARSAL_CLIENTS]);
  await readReport(clients);
  await clients.tell("exchange");
  await readReport(clients);
}

function toRow(entry: Case, entrant: Entrant, bare: Entrant): Row {
  const { contender: { name, title, group }, samples, failure } = entrant;
  const comparable = failure === null && bare.failure === null;
  const promise = group === "kit" && comparable ? entry.promise : undefined;
  return {
    name,
    title,
    samples,
    failure,
    figures: mediansOf(samples),
    ratio: comparable ? ratioToBare(samples, bare.samples, entry.leading) : null,
    cpuRatio: comparable ? cpuRatioToBare(samples, bare.samples) : null,
    verdict: promise ? judge(promise, entry.leading, samples, bare.samples) : null,
  };
}

function mediansOf(samples: readonly Sample[]): Figures {
  const keys = new Set(samples.flatMap(({ figures }) => Object.keys(figures)));
  const medians: Record<string, number | null> = {};
  for (const key of keys) medians[key] = spreadOf(samples.map(({ figures }) => figures[key]))?.median ?? null;
  return medians;
}

function notesOn(entrants: readonly Entrant[]): string[] {
  const samples = entrants.flatMap((entrant) => entrant.samples);
  const note = (limits: (sample: Sample) => boolean, what: string): string[] => {
    const count = samples.filter(limits).length;
    return count === 0
      ? []
      : [`${what} in ${count} of ${samples.length} turns: no ratio of speeds from these.`];
  };
  return [
    ...note(generatorLimits, "The generator set the pace"),
    ...note(machineLimits, "Other programs kept the server from running"),
  ];
}
