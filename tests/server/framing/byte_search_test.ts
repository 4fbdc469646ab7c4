import { assertEquals } from "@std/assert";
import { ByteFinder } from "../../../server/framing/_byte_finder.ts";
import { indexOfByte, indexOfBytes } from "../../../server/framing/_byte_search.ts";
import { DelimiterScanner } from "../../../server/framing/_delimiter_scanner.ts";
import { bytes, Random, text } from "./_inputs.ts";

Deno.test("indexOfBytes() finds the first needle at or after an index", () => {
  const haystack = bytes("one--two--");
  assertEquals(indexOfBytes(haystack, bytes("--")), 3);
  assertEquals(indexOfBytes(haystack, bytes("--"), 3), 3);
  assertEquals(indexOfBytes(haystack, bytes("--"), 4), 8);
  assertEquals(indexOfBytes(haystack, bytes("--"), 9), -1);
  assertEquals(indexOfBytes(haystack, bytes("--"), 100), -1);
  assertEquals(indexOfBytes(bytes("-"), bytes("--")), -1);
  assertEquals(indexOfBytes(new Uint8Array(), bytes("-")), -1);
});

Deno.test("indexOfByte() finds a byte near and far", () => {
  for (const at of [0, 1, 63, 64, 65, 1000]) {
    const haystack = new Uint8Array(1001);
    haystack[at] = 10;
    assertEquals([indexOfByte(haystack, 10, 0), indexOfByte(haystack, 10, at + 1)], [at, -1]);
  }
});

Deno.test("indexOfBytes() and DelimiterScanner find what String.indexOf finds", () => {
  const random = new Random(1);
  for (let i = 0; i < 20_000; i++) {
    const haystack = random.bytes(30, bytes("ab"));
    const needle = new Uint8Array([...random.bytes(4, bytes("ab")), random.pick(bytes("ab"))]);
    const from = random.below(5);
    const expected = text(haystack).indexOf(text(needle), from);
    // Beyond the end, `String.indexOf` starts at the end.
    assertEquals(indexOfBytes(haystack, needle, from), expected);
    const stop = new DelimiterScanner(needle).scan(haystack, from);
    assertEquals(stop, expected === -1 ? -1 : expected + needle.length);
  }
});

Deno.test("ByteFinder finds every place of any byte, in chunks large and small", () => {
  const random = new Random(2);
  for (const size of [0, 1, 1_023, 1_024, 3_000, 70_000]) {
    const chunk = Uint8Array.from({ length: size }, () => random.below(256));
    for (const byte of [0x00, 0x0a, 0x80, 0xff]) {
      const finder = new ByteFinder(byte);
      const found = [];
      for (let at = finder.indexIn(chunk, 0); at !== -1; at = finder.indexIn(chunk, at + 1)) found.push(at);
      assertEquals(found, [...chunk.keys()].filter((index) => chunk[index] === byte));
    }
  }
});

Deno.test("ByteFinder finds a byte in front of the last one, and in a part of a buffer", () => {
  const finder = new ByteFinder(10);
  const chunk = new Uint8Array(3_000).subarray(1_000);
  chunk[5] = chunk[900] = chunk[1_900] = 10;
  const from = [0, 6, 901, 0, 1_901, 900, 3];
  assertEquals(from.map((index) => finder.indexIn(chunk, index)), [5, 900, 1_900, 5, -1, 900, 5]);
});

Deno.test("DelimiterScanner sees what was written into a chunk after all was found in it", () => {
  const scanner = new DelimiterScanner(bytes(";"));
  const chunk = new Uint8Array(2_000);
  for (const places of [[10, 700], [300, 1_500, 1_999]]) {
    chunk.fill(0);
    for (const place of places) chunk[place] = bytes(";")[0];
    const found = [];
    for (let at = scanner.scan(chunk, 0); at !== -1; at = scanner.scan(chunk, at)) found.push(at - 1);
    assertEquals(found, places);
  }
});

Deno.test("DelimiterScanner knows how much of the delimiter the input ends with", () => {
  const scanner = new DelimiterScanner(bytes("abac"));
  const seen = [..."abababacab"].map((letter) => {
    const found = scanner.scan(bytes(letter), 0) === 1;
    return found ? "found" : scanner.matched;
  });
  assertEquals(seen, [1, 2, 3, 2, 3, 2, 3, "found", 1, 2]);
});
