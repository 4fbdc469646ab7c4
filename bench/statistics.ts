/** The few numbers that a handful of noisy rounds can support. */

/** What several rounds showed of one figure. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  /** How many rounds it is of. */
  readonly rounds: number;
  /** Where the true median lies, with at least 90 % confidence if there were five rounds or more. */
  readonly interval: readonly [number, number];
}

/** Summarizes rounds; `null` when fewer than half of them brought a number. */
export function spreadOf(rounds: readonly (number | null)[]): Spread | null {
  const sorted = rounds.filter((value) => value !== null).sort((a, b) => a - b);
  if (sorted.length === 0 || sorted.length * 2 < rounds.length) return null;
  const outside = roundsOutside(sorted.length);
  return {
    median: middleOf(sorted),
    least: sorted[0],
    most: sorted[sorted.length - 1],
    rounds: sorted.length,
    interval: [sorted[outside], sorted[sorted.length - 1 - outside]],
  };
}

/** The middle one of some numbers, at least one, or the mean of the two in the middle. */
export function medianOf(numbers: readonly number[]): number {
  return middleOf(numbers.toSorted((a, b) => a - b));
}

function middleOf(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * How many rounds may be left out at each end so that the rest still holds the true median: each round falls below it
 * with a chance of one half, so the number of those that do is binomial, whatever the noise looks like.
 */
function roundsOutside(count: number): number {
  let atMost = 0;
  let exactly = 0.5 ** count;
  for (let below = 0; below < count / 2; below++) {
    atMost += exactly;
    if (atMost > 0.05) return Math.max(0, below - 1); // so many are too many
    exactly *= (count - below) / (below + 1);
  }
  return 0;
}
