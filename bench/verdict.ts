/** What may be concluded from the rounds: ratios to bare Deno, and whether a promise was kept. */

import { comparablePairs } from "./pairing.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import type { Bound, Sample, Verdict } from "./workload.ts";

const SATURATED = 0.95; // of a core
const CONVINCING = 2; // rounds, all on the wrong side
const STARVED = 0.2; // of the window, for each core that it can use

/** True when the generator, not the server, set the pace: it used or wanted a whole core, and the server did not. */
export function generatorLimits(sample: Sample): boolean {
  const { shares } = sample;
  if (!shares) return false;
  const wanted = (shares.generator ?? 1) + (shares.generatorWaited ?? 0);
  return wanted >= SATURATED && !serverLimits(sample);
}

/** True when other programs kept the server from running: such a round says nothing about its speed. */
export function machineLimits(sample: Sample): boolean {
  const { shares } = sample;
  if (!shares) return false;
  return (shares.serverWaited ?? 0) >= STARVED * shares.serverCores && !serverLimits(sample);
}

/**
 * True when the server was given all the work it could do; only then is requests per second its figure. One that runs
 * on every core shares them with the generator: together they must have used all there are.
 */
function serverLimits({ shares }: Sample): boolean {
  if (!shares || shares.server === null) return true;
  if (shares.serverCores === 1) return shares.server >= SATURATED;
  const used = shares.server + (shares.generator ?? 0);
  return shares.server >= SATURATED * shares.serverCores || used >= SATURATED * navigator.hardwareConcurrency;
}

/**
 * A figure divided by the bare one's of the same round; none from a round in which something else set the pace of
 * either, or the machine's cores moved. `asked` is the number of rounds asked for, half of which there must be.
 */
export function ratioToBare(
  own: readonly Sample[],
  bare: readonly Sample[],
  key: string,
  asked: number = own.length,
): Spread | null {
  const limited = (sample: Sample): boolean => machineLimits(sample) || generatorLimits(sample);
  return spreadOf(
    comparablePairs(own, bare, asked).map((pair) => {
      if (limited(pair.own) || limited(pair.bare)) return null;
      return divide(pair.own.figures[key], pair.bare.figures[key]);
    }),
  );
}

/** The bare one's CPU time per operation divided by the contender's, in the same round. */
export function cpuRatioToBare(
  own: readonly Sample[],
  bare: readonly Sample[],
  asked: number = own.length,
): Spread | null {
  const pairs = comparablePairs(own, bare, asked);
  return spreadOf(pairs.map((pair) => divide(pair.bare.figures.cpu, pair.own.figures.cpu)));
}

function divide(dividend: number | null | undefined, divisor: number | null | undefined): number | null {
  return dividend && divisor ? dividend / divisor : null;
}

/**
 * Judges a promise about the leading figure `key`. Throughputs are compared where the servers had all the work they
 * could do; where they had not, or the generator set the pace, the CPU time that an operation costs is compared.
 */
export function judge(
  bound: Bound,
  key: string,
  own: readonly Sample[],
  bare: readonly Sample[],
  asked: number = own.length,
): Verdict {
  if (bound.of === "value") return judgeValue(bound, key, own, bare);
  const ratio = ratioToBare(own, bare, key, asked);
  if (key !== "rate") return conclude(bound, ratio);
  // Cores that it left idle are its own doing: it has spread its connections badly, which no CPU time would show.
  if (own.some(({ shares }) => shares && shares.serverCores > 1)) return conclude(bound, ratio);
  return isBusy(own) && isBusy(bare) && ratio
    ? conclude(bound, ratio)
    : conclude(bound, cpuRatioToBare(own, bare, asked), " by CPU");
}

/** Whether a server had all the work it could do, in most rounds. */
function isBusy(samples: readonly Sample[]): boolean {
  return samples.filter(serverLimits).length * 2 > samples.length;
}

/** A promise in plain numbers says nothing on a machine, or with a generator, where not even bare Deno reaches it. */
function judgeValue(bound: Bound, key: string, own: readonly Sample[], bare: readonly Sample[]): Verdict {
  const verdictOn = (samples: readonly Sample[]): Verdict =>
    conclude(bound, spreadOf(samples.map(({ figures }) => figures[key] ?? null)));
  const verdict = verdictOn(own);
  if (verdict.shortfall === 0 || verdictOn(bare).shortfall === 0) return verdict;
  return { ...verdict, outcome: "not measured", text: `${verdict.text}, as by bare`, shortfall: 0 };
}

/** Compares what the rounds showed with a promise; `by` says what was judged, if it is not the figure itself. */
export function conclude({ atLeast, atMost, margin }: Bound, spread: Spread | null, by = ""): Verdict {
  const limit = atLeast ?? atMost!;
  const promise = `${atLeast === undefined ? "≤" : "≥"} ${formatLimit(limit)}${by}`;
  if (!spread) return { outcome: "not measured", text: `${promise} not measured`, shortfall: 0, margin };
  const missing = (value: number): number =>
    Math.max(0, atLeast === undefined ? value - limit : limit - value);
  const shortfall = missing(spread.median) / limit;
  const clear = spread.rounds >= CONVINCING && spread.interval.every((value) => missing(value) > 0);
  const outcome = shortfall === 0 ? "reached" : clear ? "missed" : "unclear";
  return { outcome, text: `${promise} ${outcome}`, shortfall, margin };
}

function formatLimit(limit: number): string {
  return limit >= 100 ? limit.toLocaleString("en").replaceAll(",", " ") : limit.toFixed(2);
}
