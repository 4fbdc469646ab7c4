/**
 * What it costs to learn which source is ready, against the number of sources: the curve of `select`, `poll` and `epoll`.
 * Nothing but this process takes part.
 */

import { EventQueue, Poller, select } from "../../multiplex/mod.ts";
import { spreadOf } from "../statistics.ts";
import { showProgress } from "../terminal.ts";
import { conclude } from "../verdict.ts";
import type { Bench, Bound, Column, CostPlot, Report, Row, Sample, Table, Workload } from "../workload.ts";

const COUNTS = [10, 100, 1_000, 10_000];
const BUSY = 100;
const IDLE = 10_000;
const PROMISE: Bound = { of: "ratio", atLeast: 0.9, margin: 0.15 };

/** A source that is ready when its button was pressed. */
class Button extends EventQueue<void> {
  #presses = 0;

  press(): void {
    this.#presses++;
    this.happened();
  }

  protected get pending(): boolean {
    return this.#presses > 0;
  }

  protected shift(): void {
    this.#presses--;
  }

  protected free(): void {}
}

type Way = (buttons: Button[]) => () => Promise<unknown>;

const WAYS: Record<string, Way> = {
  "Promise.race": (buttons) => {
    const waits = buttons.map((button) => button.next());
    return async () => {
      const index = await Promise.race(waits.map((wait, index) => wait.then(() => index)));
      waits[index] = buttons[index].next();
    };
  },
  "kit, select": (buttons) => async () => {
    const [[ready]] = await select(buttons, [], []);
    ready.take();
  },
  "kit, Poller": (buttons) => {
    const poller = new Poller();
    for (const button of buttons) poller.register(button);
    return async () => {
      for (const { key } of await poller.poll()) key.take();
    };
  },
};

function buttons(count: number): Button[] {
  return Array.from({ length: count }, () => new Button());
}

/** Microseconds for each press. */
async function costOf(way: Way, count: number, ms: number): Promise<number> {
  const all = buttons(count);
  const wait = way(all);
  let presses = 0;
  const since = performance.now();
  do {
    all[(presses++ * 7) % count].press();
    await wait();
  } while (performance.now() - since < ms);
  return (performance.now() - since) * 1_000 / presses;
}

/** Polls a second of so many sources that are always ready, with others that never are. */
async function busyRate(idle: number, ms: number): Promise<number> {
  using poller = new Poller();
  for (const button of buttons(idle)) poller.register(button);
  const busy = buttons(BUSY);
  for (const button of busy) poller.register(button);
  let polls = 0;
  const since = performance.now();
  do {
    for (const button of busy) button.press();
    for (const { key } of await poller.poll()) key.take();
    polls++;
  } while (performance.now() - since < ms);
  return polls * 1_000 / (performance.now() - since);
}

async function measureCosts({ seconds, rounds }: Bench): Promise<Table> {
  const rows: Row[] = [];
  for (const [name, way] of Object.entries(WAYS)) {
    const figures: Record<string, number> = {};
    for (const count of COUNTS) {
      showProgress(`poll_cost · ${name} · ${count} sources`);
      const costs: number[] = [];
      for (let round = 0; round < rounds; round++) costs.push(await costOf(way, count, seconds * 100));
      figures[`at${count}`] = spreadOf(costs)!.median;
    }
    rows.push(row(name, [{ figures }]));
  }
  const columns = COUNTS.map((count): Column => ({ key: `at${count}`, title: `µs at ${count}`, digits: 1 }));
  const plot: CostPlot = {
    kind: "costs",
    name: "poll_cost",
    title: "The cost of a poll, in µs",
    across: "sources registered",
    points: COUNTS.map((at) => ({ column: `at${at}`, at })),
  };
  return { title: "to learn which source is ready", columns, rows, notes: [], plots: [plot] };
}

async function measureIdle({ seconds, rounds }: Bench): Promise<Table> {
  const samples: Sample[] = [];
  await busyRate(IDLE, seconds * 200); // until it is compiled
  for (let round = 1; round <= rounds; round++) {
    showProgress(`poll_cost · round ${round} of ${rounds} · ${BUSY} busy sources`);
    const [without, having] = [await busyRate(0, seconds * 400), await busyRate(IDLE, seconds * 400)];
    samples.push({ figures: { without, having, ratio: having / without } });
  }
  const columns: Column[] = [
    { key: "without", title: "polls/s without", digits: 0 },
    { key: "having", title: `with ${IDLE} idle`, digits: 0 },
    { key: "ratio", title: "ratio", digits: 2 },
  ];
  const verdict = conclude(PROMISE, spreadOf(samples.map(({ figures }) => figures.ratio)));
  const rows = [{ ...row("kit, Poller", samples), verdict }];
  return { title: `a poll of ${BUSY} sources that are ready`, columns, rows, notes: [], plots: [] };
}

function row(name: string, samples: Sample[]): Row {
  const keys = Object.keys(samples[0].figures);
  const figures = Object.fromEntries(
    keys.map((key) => [key, spreadOf(samples.map((sample) => sample.figures[key]))?.median ?? null]),
  );
  const group = name.startsWith("kit") ? "kit" : "peer";
  return {
    name,
    title: name,
    group,
    samples,
    figures,
    ratio: null,
    cpuRatio: null,
    verdict: null,
    failure: null,
  };
}

async function run(bench: Bench): Promise<Report> {
  const tables = bench.check ? [] : [await measureCosts(bench)];
  tables.push(await measureIdle(bench));
  return { workload: "poll_cost", title: "The cost of a poll", tables, missing: [] };
}

const pollCost: Workload = { name: "poll_cost", title: "The cost of a poll", run };
export default pollCost;
