/** Framing: how fast bytes in memory become messages. No server takes part; ratios are to the fastest peer. */

import { FRAME_SIZES, type Row as Measured, run as measure } from "../framing.ts";
import { spreadOf } from "../statistics.ts";
import { showProgress } from "../terminal.ts";
import { conclude } from "../verdict.ts";
import type { Bench, Bound, Report, Row, Table, Workload } from "../workload.ts";

const TITLE = "Framing";
const PROMISE: Bound = { of: "ratio", atLeast: 3, margin: 0.3 };
const PROMISED = ["lines, 40 bytes, batches", "lines, 40 bytes, pushed"];

async function run({ seconds, rounds, check }: Bench): Promise<Report> {
  if (check) return { workload: "framing", title: TITLE, tables: [], missing: [] };
  showProgress(`framing · ${seconds * rounds} seconds or a little more`);
  const measured = await measure({ seconds: seconds * rounds });
  const tables = FRAME_SIZES.map((size) => tableOf(size, measured));
  return { workload: "framing", title: TITLE, tables, missing: [] };
}

function tableOf(size: number, measured: readonly Measured[]): Table {
  const suffix = `, ${size} bytes`;
  const rows = measured.filter(({ name }) => name.includes(suffix)).map((row) => toRow(row, suffix));
  return {
    title: `frames of ${size} bytes, the ratio is to the fastest peer`,
    columns: [
      { key: "megabytes", title: "MB/s", digits: 0, better: "more" },
      { key: "frames", title: "frames/s", digits: 0, better: "more" },
      { key: "ratio", title: "ratio", digits: 2, better: "more" },
    ],
    rows,
    notes: [],
    plots: [{
      kind: "bars",
      name: `framing_${size}_bytes`,
      title: `Decoding frames of ${size} bytes`,
      columns: ["megabytes", "ratio"],
      rows: rows.filter(isDrawn).map(({ name }) => name),
    }],
  };
}

/** The peers, lines in every form, and the other framings in the form that is fastest. */
function isDrawn({ name, group }: Row): boolean {
  return group === "peer" || name.startsWith("lines,") || name.endsWith(", pushed");
}

function isPeer(name: string): boolean {
  return name.startsWith("TextLineStream") || name.startsWith("node:");
}

function toRow({ name, mbPerSecond, framesPerSecond, ratio }: Measured, suffix: string): Row {
  const figures = { megabytes: mbPerSecond, frames: framesPerSecond, ratio };
  return {
    name,
    title: name.replace(suffix, ""),
    group: isPeer(name) ? "peer" : "kit",
    figures,
    samples: [{ figures }],
    ratio: null,
    cpuRatio: null,
    verdict: PROMISED.includes(name) ? conclude(PROMISE, spreadOf([ratio])) : null,
    failure: null,
  };
}

const framing: Workload = { name: "framing", title: TITLE, run };
export default framing;
