/**
 * The kit beside bare Deno and its peers: the same work, in the same run, turn by turn. See README.md.
 *
 * @module
 */
import { endTogetherOnSignals } from "./child.ts";
import { contendersFor } from "./contender.ts";
import { CoreDistance } from "./core_distance.ts";
import { findFallen, hasFailure } from "./gate.ts";
import { Generator } from "./generator.ts";
import { type Options, parseOptions, usage, UsageError } from "./options.ts";
import { writePlots } from "./plot/gallery.ts";
import { makeRecord, originOf, readRecord, type Record, writeRecord } from "./record.ts";
import { selectWorkloads, wantsCase } from "./selection.ts";
import { formatReport } from "./table.ts";
import { clearProgress, complain, print, showPlace } from "./terminal.ts";
import type { Bench, Report, Workload } from "./workload.ts";
import { WORKLOADS } from "./workloads/mod.ts";
import { Workshop } from "./workshop.ts";

async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(args, WORKLOADS);
    if (options.help) return print(usage(WORKLOADS)), 0;
    return options.from ? await showAgain(options.from, options) : await measure(options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain(error.message);
    return 2;
  }
}

async function measure(options: Options): Promise<number> {
  using workshop = await Workshop.open();
  const generator = await Generator.prepare(workshop, options.generator);
  if (generator.remark) complain(generator.remark);
  await using cores = await CoreDistance.open();
  const bench: Bench = {
    ...options,
    generator,
    workshop,
    wantsCase: (title) => wantsCase(options, title),
    probeCores: () => cores.probe(),
    contenders: (service, wanted) =>
      contendersFor(service, { names: options.contenders, withPeers: options.peers, wanted }),
  };
  const reports: Report[] = [];
  const workloads = selectWorkloads(WORKLOADS, options);
  for (const [n, workload] of workloads.entries()) {
    showPlace(`${n + 1} of ${workloads.length}`);
    reports.push(await run(workload, bench));
  }
  await keep(await makeRecord(reports, options, generator.language), options);
  return conclude(reports, options);
}

/** Shows and draws a run that was kept, or a part of it. */
async function showAgain(path: string, options: Options): Promise<number> {
  const record = await readRecord(path);
  const names = selectWorkloads(WORKLOADS, options).map(({ name }) => name);
  const reports = record.reports.filter(({ workload }) => names.includes(workload)).map((report) => (
    { ...report, tables: report.tables.filter(({ title }) => wantsCase(options, title)) }
  ));
  for (const report of reports.filter(({ tables }) => tables.length > 0)) print(formatReport(report));
  await keep({ ...record, reports }, options);
  return conclude(reports, options);
}

async function keep(record: Record, { json, plot }: Options): Promise<void> {
  if (json) await writeRecord(json, record);
  if (!plot) return;
  const files = await writePlots(plot, record.reports, originOf(record));
  complain(`${files.length} drawings are in ${plot}.`);
}

async function run(workload: Workload, bench: Bench): Promise<Report> {
  const report = await runAndPrint(workload, bench);
  if (!bench.check || findFallen(report).length === 0) return report;
  complain(`${workload.name} is measured once more: a promise has fallen only if it falls twice.`);
  return await runAndPrint(workload, bench);
}

async function runAndPrint(workload: Workload, bench: Bench): Promise<Report> {
  const report = await workload.run(bench);
  clearProgress();
  if (report.tables.length + report.missing.length > 0) print(formatReport(report));
  else if (!bench.check) {
    complain(`${workload.name}: nobody to compare with bare Deno; --peers may add some.`);
  }
  return report;
}

function conclude(reports: readonly Report[], { check }: Options): number {
  if (!check) return reports.some(hasFailure) ? 1 : 0;
  const fallen = reports.flatMap(findFallen);
  for (const promise of fallen) print(`FELL  ${promise}`);
  if (fallen.length === 0) print("No promise fell.");
  return fallen.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  endTogetherOnSignals();
  Deno.exitCode = await main(Deno.args);
}
