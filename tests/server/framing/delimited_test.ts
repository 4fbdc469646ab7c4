import { assertEquals, assertThrows } from "@std/assert";
import { delimited, FrameError, FrameTooLargeError } from "../../../server/framing/mod.ts";
import { bytes, chunked, text } from "./_inputs.ts";

Deno.test("delimited() ends a frame at the first delimiter", () => {
  const decoder = delimited("--").decoder();
  decoder.push(bytes("a-b----c---d-"));
  assertEquals(decoder.drain().map(text), ["a-b", "", "c"]);
  assertEquals(text(decoder.rest()), "-d-");
});

Deno.test("delimited() finds a delimiter that is split over chunks at any place", () => {
  const input = bytes("first<end>second<en<end><end>");
  for (let size = 1; size <= input.length; size++) {
    const decoder = delimited("<end>").decoder();
    const frames: string[] = [];
    for (const chunk of chunked(input, size)) {
      decoder.push(chunk);
      frames.push(...decoder.drain().map(text));
    }
    assertEquals(frames, ["first", "second<en", ""], `chunks of ${size} bytes`);
  }
});

Deno.test("delimited() finds a delimiter whose beginning repeats itself", () => {
  for (const delimiter of ["aab", "abab", "aaa"]) {
    for (const frame of ["", "b", "bab", "ba"]) {
      const input = bytes(frame + delimiter);
      const decoder = delimited(delimiter).decoder();
      for (const chunk of chunked(input, 1)) decoder.push(chunk);
      assertEquals(text(decoder.next()!), input.length === 0 ? "" : firstFrame(frame + delimiter, delimiter));
    }
  }
});

function firstFrame(input: string, delimiter: string): string {
  return input.slice(0, input.indexOf(delimiter));
}

Deno.test("delimited() allows part of a delimiter behind a frame of the largest size (CONTRACT C-49)", () => {
  const decoder = delimited("<end>", { limit: 4 }).decoder();
  decoder.push(bytes("four<en"));
  assertEquals(decoder.next(), undefined);
  decoder.push(bytes("d>four<"));
  assertEquals(text(decoder.next()!), "four");
  assertEquals(decoder.next(), undefined);
  decoder.push(bytes("x"));
  const error = assertThrows(() => decoder.next(), FrameTooLargeError);
  assertEquals([error.size, error.limit], [5, 4]);
  assertEquals(text(decoder.rest()), "four<x");
});

Deno.test("delimited() forgets the part of a delimiter that rest() handed over", () => {
  const decoder = delimited("<end>").decoder();
  decoder.push(bytes("one<en"));
  assertEquals(decoder.next(), undefined);
  assertEquals(text(decoder.rest()), "one<en");
  decoder.push(bytes("d>two<end>"));
  assertEquals(decoder.drain().map(text), ["d>two"]);
});

Deno.test("delimited() reports a whole frame over the limit too", () => {
  const decoder = delimited("\0", { limit: 4 }).decoder();
  decoder.push(bytes("four\0fives\0"));
  assertEquals(text(decoder.next()!), "four");
  assertThrows(() => decoder.next(), FrameTooLargeError, "Frame of 5 bytes exceeds the limit of 4 bytes");
});

Deno.test("delimited() reports input that ends without a delimiter", () => {
  const decoder = delimited("\0").decoder();
  decoder.push(bytes("one\0two"));
  assertEquals(text(decoder.end()!), "one");
  assertThrows(() => decoder.end(), Deno.errors.UnexpectedEof, "3 bytes are left");
});

Deno.test("delimited() refuses to encode what would decode to something else", () => {
  assertEquals(delimited("ba").encode(bytes("ab")), bytes("abba"));
  assertThrows(() => delimited("ba").encode(bytes("aba")), FrameError, "holds the delimiter");
  assertThrows(() => delimited("abab").encode(bytes("ab")), FrameError);
  assertThrows(() => delimited("\0", { limit: 1 }).encode(bytes("ab")), FrameTooLargeError);
});

Deno.test("delimited() takes bytes for a delimiter and does not mind that they change", () => {
  const delimiter = Uint8Array.of(0xff, 0xfe);
  const framing = delimited(delimiter);
  delimiter.fill(0);
  assertEquals(framing.encode(bytes("a")), Uint8Array.of(0x61, 0xff, 0xfe));
});

Deno.test("delimited() checks its options once, with the value in the message", () => {
  assertThrows(() => delimited(""), RangeError, "current length is 0");
  assertThrows(() => delimited("\0", { limit: -1 }), RangeError, "current value is -1");
});

Deno.test("delimited() looks at each byte once, also where a long delimiter is almost there again and again", () => {
  const size = 2 ** 20;
  const decoder = delimited("a".repeat(50_000) + "b", { limit: size }).decoder();
  decoder.push(new Uint8Array(size).fill(0x61));
  assertEquals(decoder.next(), undefined);
});
