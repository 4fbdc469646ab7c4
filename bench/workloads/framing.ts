/** Framing: how fast bytes in memory become messages. No server takes part; ratios are to the fastest peer. */

import { type Row as Measured, run as measure } from "../framing.ts";
import { spreadOf } from "../statistics.ts";
import { showProgress } from "../terminal.ts";
import { conclude } from "../verdict.ts";
import type { Bench, Bound, Report, Row, Workload } from "../workload.ts";

const TITLE = "Framing";
const PROMISE: Bound = { of: "ratio", atLeast: 3, margin: 0.3 };
const PROMISED = ["lines, 40 bytes, batches", "lines, 40 bytes, pushed"];

async function run({ seconds, rounds, check }: Bench): Promise<Report> {
  if (check) return { workload: "framing", title: TITLE, tables: [], missing: [] };
  showProgress(`framing · ${seconds * rounds} seconds or a little more`);
  const measured = await measure({ seconds: seconds * rounds });
  const table = {
    title: "frames of 40 and of 1024 bytes, the ratio is to the fastest peer",
    columns: [
      { key: "megabytes", title: "MB/s", digits: 0 },
      { key: "frames", title: "frames/s", digits: 0 },
      { key: "ratio", title: "ratio", digits: 2 },
    ],
    rows: measured.map(toRow),
    notes: [],
  };
  return { workload: "framing", title: TITLE, tables: [table], missing: [] };
}

function toRow({ name, mbPerSecond, framesPerSecond, ratio }: Measured): Row {
  const figures = { megabytes: mbPerSecond, frames: framesPerSecond, ratio };
  return {
    name,
    title: name,
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
