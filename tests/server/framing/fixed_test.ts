import { assertEquals, assertThrows } from "@std/assert";
import { fixed, FrameError } from "../../../server/framing/mod.ts";

Deno.test("fixed() cuts frames of its size and delivers none before it is whole", () => {
  const decoder = fixed(3).decoder();
  decoder.push(Uint8Array.of(1, 2));
  assertEquals(decoder.next(), undefined);
  decoder.push(Uint8Array.of(3, 4, 5, 6, 7));
  assertEquals(decoder.drain(), [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)]);
  assertEquals(decoder.buffered, 1);
});

Deno.test("fixed() reports input that ends inside a frame", () => {
  const decoder = fixed(3).decoder();
  decoder.push(Uint8Array.of(1, 2));
  assertThrows(() => decoder.end(), Deno.errors.UnexpectedEof, "2 bytes are left");
});

Deno.test("fixed() encodes frames of its size only, into bytes of their own", () => {
  const frame = Uint8Array.of(1, 2);
  const encoded = fixed(2).encode(frame);
  frame.fill(0);
  assertEquals(encoded, Uint8Array.of(1, 2));
  assertThrows(() => fixed(3).encode(frame), FrameError, "must be 3 bytes: current size is 2");
});

Deno.test("fixed() checks its size, with the value in the message", () => {
  for (const size of [0, -1, 1.5, NaN]) {
    assertThrows(
      () => fixed(size),
      RangeError,
      `'size' must be an integer of at least 1: current value is ${size}`,
    );
  }
});
