/**
 * The kit beside bare Deno and its peers: the same work, in the same run, turn by turn. See README.md.
 *
 * @module
 */
import { measureWorkload } from "./attempt.ts";
import { endTogetherOnSignals } from "./child.ts";
import { UsageError } from "./complaint.ts";
import { contenderNames, contendersFor, type Service } from "./contender.ts";
import { CoreDistance } from "./core_distance.ts";
import { Destinations } from "./destinations.ts";
import { concludeCheck, hasFailure } from "./gate.ts";
import { Generator } from "./generator.ts";
import { type Options, parseOptions, usage } from "./options.ts";
import { makeRecord, readRecord, type Record } from "./record.ts";
import { selectWorkloads, wantsCase } from "./selection.ts";
import { formatReport } from "./table.ts";
import { clearProgress, complain, isHeard, print, showPlace } from "./terminal.ts";
import type { Bench, Report, Workload } from "./workload.ts";
import { WORKLOADS } from "./workloads/mod.ts";
import { MissingToolError, Workshop } from "./workshop.ts";

const UNHEARD = 128 + 13; // as of a program that SIGPIPE ended

async function main(args: readonly string[]): Promise<number> {
  try {
    const folder = Deno.env.get("INIT_CWD"); // where the user stands: a task runs in the folder of deno.json
    const options = parseOptions(args, WORKLOADS, folder);
    if (options.help) return print(usage(WORKLOADS)), 0;
    return options.from ? await showAgain(options.from, options) : await measure(options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain(error.message);
    return 2;
  }
}

async function measure(options: Options): Promise<number> {
  const destinations = new Destinations(options);
  await destinations.tryOut();
  const reports: Report[] = [];
  const recordNow = (): Record => makeRecord(reports, options, generator.language);
  const leave = (): void => {
    clearProgress();
    if (reports.length > 0) destinations.keepUnfinished(recordNow());
  };
  endTogetherOnSignals(leave);
  using workshop = await needed("The benchmark", Workshop.open());
  const generator = await needed("--generator c", Generator.prepare(workshop, options.generator));
  if (generator.remark) complain(generator.remark);
  await using cores = await CoreDistance.open();
  const workloads = selectWorkloads(WORKLOADS, options);
  for (const [n, workload] of workloads.entries()) {
    showPlace(`${n + 1} of ${workloads.length}`);
    reports.push(await measureOne(workload, options, { generator, workshop, cores }));
    if (!isHeard()) return leave(), UNHEARD;
  }
  const kept = await destinations.keep(recordNow());
  const code = conclude(reports, options);
  return kept ? code : 1;
}

/** Waits for what nothing can be measured without. */
async function needed<T>(whose: string, tool: Promise<T>): Promise<T> {
  try {
    return await tool;
  } catch (error) {
    throw error instanceof MissingToolError ? new UsageError(`${whose} ${error.message}`) : error;
  }
}

/** What all workloads are measured with. */
interface Equipment {
  readonly generator: Generator;
  readonly workshop: Workshop;
  readonly cores: CoreDistance;
}

async function measureOne(
  workload: Workload,
  options: Options,
  { generator, workshop, cores }: Equipment,
): Promise<Report> {
  const services = new Set<Service>();
  const bench: Bench = {
    ...options,
    generator,
    workshop,
    wantsCase: (title) => wantsCase(options, title),
    probeCores: () => cores.probe(),
    contenders(service, wanted) {
      services.add(service);
      return contendersFor(service, { names: options.contenders, withPeers: options.peers, wanted });
    },
  };
  return await measureWorkload(workload, bench, (report) => {
    if (report.tables.length + report.missing.length > 0) print(formatReport(report));
    else explainAbsence(workload.name, [...services], options);
  });
}

/** Says why there is nothing to see of a workload, if somebody may have expected it. */
function explainAbsence(name: string, services: readonly Service[], options: Options): void {
  const { contenders, workloads, check } = options;
  if (contenders.length === 0) {
    if (!check) complain(`${name}: nobody to compare with bare Deno; --peers may add some.`);
  } else if (workloads.includes(name)) {
    const others = services.flatMap((service) => contenderNames(service)).join(", ");
    complain(`${name}: no part for ${contenders.join(", ")}; its contenders are ${others}.`);
  }
}

/** Shows and draws a run that was kept, or a part of it. */
async function showAgain(path: string, options: Options): Promise<number> {
  const record = await readRecord(path);
  const destinations = new Destinations(options);
  await destinations.tryOut();
  const names = selectWorkloads(WORKLOADS, { ...options, check: false }).map(({ name }) => name);
  const reports = record.reports.filter(({ workload }) => names.includes(workload)).map((report) => (
    { ...report, tables: report.tables.filter(({ title }) => wantsCase(options, title)) }
  ));
  const shown = reports.filter(({ tables }) => tables.length > 0);
  if (shown.length === 0) {
    const others = record.reports.map(({ workload }) => workload).join(", ");
    throw new UsageError(`--from: nothing of that is in ${path}; it has ${others || "no workload"}`);
  }
  for (const report of shown) print(formatReport(report));
  const kept = await destinations.keep({ ...record, reports });
  const code = conclude(reports, options);
  return kept ? code : 1;
}

function conclude(reports: readonly Report[], { check }: Options): number {
  if (!check) return reports.some(hasFailure) ? 1 : 0;
  const { lines, passed } = concludeCheck(reports);
  for (const line of lines) print(line);
  return passed ? 0 : 1;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
