/** Which turns may be compared: those of the same round, while the cores of the machine stayed where they were. */

import type { Sample } from "./workload.ts";

/** How much a distance between the cores differs from itself while they stay where they are. */
const SAME_DISTANCE = 1.6;

/** The turns of a contender and of the bare one in the same round. */
export interface Pair {
  readonly own: Sample;
  readonly bare: Sample;
}

/** Pairs turns by their rounds, as who needs further rounds has more of them than others. */
export function pairUp(own: readonly Sample[], bare: readonly Sample[]): Pair[] {
  const byRound = new Map(bare.map((sample, place) => [roundOf(sample, place), sample]));
  return own.flatMap((sample, place) => {
    const other = byRound.get(roundOf(sample, place));
    return other ? [{ own: sample, bare: other }] : [];
  });
}

function roundOf({ round }: Sample, place: number): number {
  return round ?? place + 1;
}

/** True when the machine's cores came closer or moved apart between the start of one turn and the end of the other. */
export function coresMoved({ own, bare }: Pair): boolean {
  const distances = [...own.coreDistance ?? [], ...bare.coreDistance ?? []];
  return Math.max(...distances) > SAME_DISTANCE * Math.min(...distances);
}

/** Pairs that may be compared; none where so few are left that more rounds are needed. */
export function comparablePairs(own: readonly Sample[], bare: readonly Sample[], asked: number): Pair[] {
  const pairs = pairUp(own, bare).filter((pair) => !coresMoved(pair));
  return pairs.length * 2 < asked ? [] : pairs;
}

/** Whether too few rounds can be compared, of as many as were asked for. */
export function needsMoreRounds(own: readonly Sample[], bare: readonly Sample[], asked: number): boolean {
  return comparablePairs(own, bare, asked).length === 0;
}
