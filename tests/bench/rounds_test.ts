import { assertEquals } from "@std/assert";
import { type Participant, takeRounds } from "../../bench/rounds.ts";
import type { Sample } from "../../bench/workload.ts";
import { turnAt } from "./_support.ts";

/** A participant with the distances between the cores in its turns, by round; `undefined` is a turn that fails. */
class Scripted implements Participant {
  readonly samples: Sample[] = [];
  failure: string | null = null;

  constructor(readonly name: string, readonly distances: readonly (number | undefined)[]) {}

  take(round: number): void {
    const distance = this.distances[round - 1];
    if (distance === undefined) this.failure = "a wrong reply";
    else this.samples.push(turnAt(round, distance));
  }
}

/** Who had turns, round by round. */
async function roundsOf(asked: number, ...all: Scripted[]): Promise<string[]> {
  const rounds: string[] = [];
  await takeRounds(all, asked, (participant, round) => {
    rounds[round - 1] = (rounds[round - 1] ?? "") + participant.name;
    participant.take(round);
    return Promise.resolve();
  });
  return rounds;
}

const near = (name: string): Scripted => new Scripted(name, Array(20).fill(100));

Deno.test("takeRounds() takes the rounds asked for, and no other when enough can be compared", async () => {
  const twice = new Scripted("B", [100, 350, 100]);
  assertEquals(await roundsOf(3, near("A"), twice, near("C")), ["ABC", "ABC", "ABC"]);
});

Deno.test("takeRounds() gives further rounds to the bare one and to those with too few, until there are enough", async () => {
  const once = new Scripted("C", [350, 100, 350, 350, 100, 100]);
  assertEquals(await roundsOf(3, near("A"), near("B"), once), ["ABC", "ABC", "ABC", "AC", "AC"]);
  assertEquals(once.samples.map(({ round }) => round), [1, 2, 3, 4, 5]);
});

Deno.test("takeRounds() stops at twice the rounds asked for", async () => {
  const never = new Scripted("B", Array(20).fill(350));
  assertEquals(await roundsOf(2, near("A"), never), ["AB", "AB", "AB", "AB"]);
});

Deno.test("takeRounds() gives no turn to one that has failed, and no further round without the bare one", async () => {
  assertEquals(await roundsOf(2, near("A"), new Scripted("B", []), near("C")), ["ABC", "AC"]);
  const never = new Scripted("B", Array(20).fill(350));
  assertEquals(await roundsOf(2, new Scripted("A", [100]), never), ["AB", "AB"]);
  assertEquals(await roundsOf(1, near("A")), ["A"]);
});
