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

/** The distance that the cores had in most of some turns; `null` where nobody knows. */
export function usualDistance(turns: readonly Sample[]): number | null {
  const near = (distance: number): number => turns.filter((turn) => isAt(turn, distance)).length;
  const known = turns.flatMap(({ coreDistance }) => coreDistance?.[0] ?? []);
  const [usual] = known.toSorted((a, b) => near(b) - near(a));
  return usual ?? null;
}

/**
 * Says of each turn whether the cores were elsewhere than usual, so that its figures do not stand beside the others'. One
 * who has no other turns keeps them.
 */
export function setAside(turns: readonly Sample[], usual: number | null): readonly Sample[] {
  if (usual === null || isAlwaysElsewhere(turns, usual)) return turns;
  return turns.map((turn) => isAt(turn, usual) ? turn : { ...turn, aside: true });
}

/** Whether the cores were elsewhere than usual in all of some turns. */
export function isAlwaysElsewhere(turns: readonly Sample[], usual: number | null): boolean {
  return usual !== null && turns.length > 0 && !turns.some((turn) => isAt(turn, usual));
}

/** The turns whose figures stand beside the others'. */
export function countedTurns({ samples }: { readonly samples: readonly Sample[] }): Sample[] {
  return samples.filter(({ aside }) => !aside);
}

function isAt({ coreDistance }: Sample, distance: number): boolean {
  if (!coreDistance) return true;
  const distances = [...coreDistance, distance];
  return Math.max(...distances) <= SAME_DISTANCE * Math.min(...distances);
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
