/**
 * The kit beside bare Deno and its peers: the same work, in the same run, turn by turn. See README.md.
 *
 * @module
 */
import { endTogetherOnSignals } from "./child.ts";
import { contendersFor } from "./contender.ts";
import { findFallen } from "./gate.ts";
import { Generator } from "./generator.ts";
import { type Options, parseOptions, usage, UsageError } from "./options.ts";
import { writeRecord } from "./record.ts";
import { formatReport } from "./table.ts";
import { clearProgress, complain, print } from "./terminal.ts";
import type { Bench, Report, Table, Workload } from "./workload.ts";
import { WORKLOADS } from "./workloads/mod.ts";
import { Workshop } from "./workshop.ts";

const NAMES = WORKLOADS.map(({ name }) => name);

async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(args, NAMES);
    if (!options.help) return await measure(options);
    print(usage(NAMES));
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    complain(error.message);
    return 2;
  }
}

async function measure(options: Options): Promise<number> {
  using workshop = await Workshop.open();
  const generator = await Generator.prepare(workshop, options.generator);
  if (generator.language === "typescript") {
    complain(
      "The load comes from the slower generator, in TypeScript: where it is the limit, no throughput ratio is given.",
    );
  }
  const bench: Bench = {
    ...options,
    generator,
    workshop,
    contenders: (service) => contendersFor(service, options.contenders, options.peers),
  };
  const reports: Report[] = [];
  for (const workload of chosen(options)) reports.push(await run(workload, bench));
  if (options.json) await writeRecord(options.json, reports, options, generator.language);
  return conclude(reports, options);
}

function chosen({ workloads }: Options): readonly Workload[] {
  return workloads.length === 0 ? WORKLOADS : WORKLOADS.filter(({ name }) => workloads.includes(name));
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
  if (report.tables.length > 0) print(formatReport(report));
  else if (!bench.check) {
    complain(`${workload.name}: nobody to compare with bare Deno; --peers may add some.`);
  }
  return report;
}

function conclude(reports: readonly Report[], { check }: Options): number {
  if (!check) return reports.some(({ tables }) => tables.some(hasFailure)) ? 1 : 0;
  const fallen = reports.flatMap(findFallen);
  for (const promise of fallen) print(`FELL  ${promise}`);
  if (fallen.length === 0) print("No promise fell.");
  return fallen.length === 0 ? 0 : 1;
}

function hasFailure({ rows }: Table): boolean {
  return rows.some(({ failure }) => failure !== null);
}

if (import.meta.main) {
  endTogetherOnSignals();
  Deno.exitCode = await main(Deno.args);
}
