import { assertEquals } from "@std/assert";
import {
  comparablePairs,
  coresMoved,
  countedTurns,
  isAlwaysElsewhere,
  needsMoreRounds,
  pairUp,
  setAside,
  usualDistance,
} from "../../bench/pairing.ts";
import { sample, turnAt } from "./_support.ts";

const [NEAR, FAR] = [100, 350];

Deno.test("pairUp() pairs turns of the same round, however many others one of them had", () => {
  const own = [turnAt(1, NEAR), turnAt(3, NEAR)];
  const bare = [1, 2, 3, 4].map((round) => turnAt(round, NEAR));
  assertEquals(pairUp(own, bare).map((pair) => [pair.own.round, pair.bare.round]), [[1, 1], [3, 3]]);
});

Deno.test("pairUp() takes samples that do not name their rounds by their places", () => {
  const [own, bare] = [[1, 2], [10, 20]].map((rates) => rates.map((rate) => sample({ rate })));
  assertEquals(pairUp(own, bare).map((pair) => pair.bare.figures.rate! / pair.own.figures.rate!), [10, 10]);
});

Deno.test("coresMoved() is true when the cores were elsewhere in bare's turn, or moved during one of the two", () => {
  const stayed = turnAt(1, NEAR, NEAR * 1.2);
  assertEquals(coresMoved({ own: stayed, bare: turnAt(1, NEAR) }), false);
  assertEquals(coresMoved({ own: turnAt(1, FAR), bare: turnAt(1, FAR) }), false);
  assertEquals(coresMoved({ own: stayed, bare: turnAt(1, FAR) }), true);
  assertEquals(coresMoved({ own: turnAt(1, NEAR, FAR), bare: turnAt(1, NEAR) }), true);
  assertEquals(coresMoved({ own: stayed, bare: turnAt(1, NEAR, FAR) }), true);
});

Deno.test("coresMoved() is false where nobody knows the distance", () => {
  assertEquals(coresMoved({ own: sample({}), bare: sample({}) }), false);
  assertEquals(coresMoved({ own: sample({}), bare: turnAt(1, NEAR) }), false);
});

Deno.test("comparablePairs() asks for half of the rounds, rounded up, whatever came on top", () => {
  const bare = [1, 2, 3, 4].map((round) => turnAt(round, NEAR));
  const own = [turnAt(1, FAR), turnAt(2, NEAR), turnAt(3, FAR)];
  assertEquals([comparablePairs(own, bare, 3).length, needsMoreRounds(own, bare, 3)], [0, true]);
  own.push(turnAt(4, NEAR));
  assertEquals([comparablePairs(own, bare, 3).length, needsMoreRounds(own, bare, 3)], [2, false]);
});

Deno.test("usualDistance() is where the cores were in most turns, and setAside() leaves the others out of figures", () => {
  const turns = [turnAt(1, FAR), turnAt(2, NEAR), turnAt(3, NEAR * 1.3), turnAt(4, NEAR, FAR)];
  const usual = usualDistance(turns);
  const samples = setAside(turns, usual);
  assertEquals(samples.map(({ aside }) => aside === true), [true, false, false, true]);
  assertEquals(countedTurns({ samples }).map(({ round }) => round), [2, 3]);
  assertEquals(isAlwaysElsewhere(turns, usual), false);
});

Deno.test("setAside() leaves one its turns who has no others, or of whom nobody knows", () => {
  const far = [turnAt(1, FAR), turnAt(2, FAR)];
  assertEquals([setAside(far, NEAR), isAlwaysElsewhere(far, NEAR)], [far, true]);
  const unknown = [sample({ rate: 1 }), sample({ rate: 2 })];
  assertEquals([usualDistance(unknown), setAside(unknown, null)], [null, unknown]);
  assertEquals([setAside(unknown, NEAR).some(({ aside }) => aside), isAlwaysElsewhere(unknown, NEAR)], [
    false,
    false,
  ]);
});
