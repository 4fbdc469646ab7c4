/** What may be concluded from the rounds: ratios to bare Deno, and whether a promise was kept. */

import { type Spread, spreadOf } from "./statistics.ts";
import type { Bound, Sample, Verdict } from "./workload.ts";

const SATURATED = 0.95; // of a core
const STARVED = 0.2; // of the window

/** True when the generator, not the server, set the pace: it used or wanted a whole core, and the server did not. */
export function generatorLimits({ shares }: Sample): boolean {
  if (!shares) return false;
  const wanted = (shares.generator ?? 1) + (shares.generatorWaited ?? 0);
  return wanted >= SATURATED && (shares.server ?? 0) < SATURATED;
}

/** True when other programs kept the server from running: such a round says nothing about its speed. */
export function machineLimits({ shares }: Sample): boolean {
  if (!shares) return false;
  return (shares.serverWaited ?? 0) >= STARVED && (shares.server ?? 1) < SATURATED;
}

/** True when the server was given all the work it could do; only then is requests per second its figure. */
function serverLimits({ shares }: Sample): boolean {
  return !shares || shares.server === null || shares.server >= SATURATED;
}

/** A figure divided by the bare one's of the same round; none from a round that something else has limited. */
export function ratioToBare(own: readonly Sample[], bare: readonly Sample[], key: string): Spread | null {
  const limited = (sample: Sample): boolean =>
    machineLimits(sample) || (key === "rate" && generatorLimits(sample));
  return spreadOf(own.map((sample, round) => {
    if (limited(sample) || limited(bare[round])) return null;
    return divide(sample.figures[key], bare[round].figures[key]);
  }));
}

/** The bare one's CPU time per operation divided by the contender's, in the same round. */
export function cpuRatioToBare(own: readonly Sample[], bare: readonly Sample[]): Spread | null {
  return spreadOf(own.map((sample, round) => divide(bare[round].figures.cpu, sample.figures.cpu)));
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
): Verdict {
  if (bound.of === "value") return judgeValue(bound, key, own, bare);
  const ratio = ratioToBare(own, bare, key);
  if (key !== "rate") return conclude(bound, ratio);
  const busy = own.filter(serverLimits).length * 2 > own.length &&
    bare.filter(serverLimits).length * 2 > bare.length;
  return busy && ratio ? conclude(bound, ratio) : conclude(bound, cpuRatioToBare(own, bare), " by CPU");
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
  const clear = spread.interval.every((value) => missing(value) > 0);
  const outcome = shortfall === 0 ? "reached" : clear ? "missed" : "unclear";
  return { outcome, text: `${promise} ${outcome}`, shortfall, margin };
}

function formatLimit(limit: number): string {
  return limit >= 100 ? limit.toLocaleString("en").replaceAll(",", " ") : limit.toFixed(2);
}
