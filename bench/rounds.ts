/** Whose turn it is, round after round. */

import { needsMoreRounds } from "./pairing.ts";
import type { Sample } from "./workload.ts";

/** One that takes turns. */
export interface Participant {
  /** What its turns have brought so far. */
  readonly samples: readonly Sample[];
  /** Why it takes no further turn. */
  readonly failure: string | null;
}

/**
 * Gives everybody as many turns as asked for, the bare one first in each round. Those of whom too few can be compared
 * then get further rounds with the bare one, until there are enough, or twice as many as asked for.
 */
export async function takeRounds<P extends Participant>(
  all: readonly P[],
  asked: number,
  takeTurn: (participant: P, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 1; round <= 2 * asked; round++) {
    const able = all.filter(({ failure }) => failure === null);
    const whose = round <= asked ? able : lacking(able, all[0], asked);
    for (const participant of whose) await takeTurn(participant, round);
  }
}

/** Who needs another round, behind the bare one; nobody where that one has failed. */
function lacking<P extends Participant>(able: readonly P[], bare: P, asked: number): P[] {
  const few = able.filter((own) => own !== bare && needsMoreRounds(own.samples, bare.samples, asked));
  return few.length > 0 && able.includes(bare) ? [bare, ...few] : [];
}
