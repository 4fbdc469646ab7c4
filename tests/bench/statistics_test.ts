import { assertEquals } from "@std/assert";
import { spreadOf } from "../../bench/statistics.ts";

Deno.test("spreadOf() takes the middle round, or the mean of the two in the middle", () => {
  assertEquals(spreadOf([3, 1, 2])!.median, 2);
  assertEquals(spreadOf([4, 1, 3, 2])!.median, 2.5);
});

Deno.test("spreadOf() gives the least and the most of all rounds", () => {
  const { least, most } = spreadOf([0.9, 1.2, 1, 0.7, 1.1])!;
  assertEquals([least, most], [0.7, 1.2]);
});

Deno.test("spreadOf() says nothing when fewer than half of the rounds brought a number", () => {
  assertEquals(spreadOf([1, null, null]), null);
  assertEquals(spreadOf([]), null);
  assertEquals(spreadOf([1, 2, null, null])!.median, 1.5);
});

Deno.test("spreadOf() leaves no round out of the interval of five, and one at each end of eight", () => {
  assertEquals(spreadOf([1, 2, 3, 4, 5])!.interval, [1, 5]);
  assertEquals(spreadOf([1, 2, 3, 4, 5, 6, 7, 8])!.interval, [2, 7]);
});
