import { assertEquals, assertThrows } from "@std/assert";
import { FrameError, FrameTooLargeError, netstrings } from "../../../server/framing/mod.ts";
import { bytes, chunked, text } from "./_inputs.ts";

Deno.test("netstrings() decodes for any packetisation", () => {
  const input = bytes("12:hello world!,0:,5:a,b:c,");
  for (let size = 1; size <= input.length; size++) {
    const decoder = netstrings().decoder();
    const frames: string[] = [];
    for (const chunk of chunked(input, size)) {
      decoder.push(chunk);
      frames.push(...decoder.drain().map(text));
    }
    assertEquals(frames, ["hello world!", "", "a,b:c"], `chunks of ${size} bytes`);
  }
});

Deno.test("netstrings() encodes as D. J. Bernstein does", () => {
  assertEquals(text(netstrings().encode(bytes("hello world!"))), "12:hello world!,");
  assertEquals(text(netstrings().encode(bytes(""))), "0:,");
});

Deno.test("netstrings() reports what is no netstring, as soon as that is known", () => {
  const malformed: [string, string][] = [
    ["x", "a digit: current byte is 0x78"],
    [":", "a digit: current byte is 0x3a"],
    ["-", "a digit: current byte is 0x2d"],
    [" ", "a digit: current byte is 0x20"],
    ["01", "':' after the length 0: current byte is 0x31"],
    ["00", "':' after the length 0: current byte is 0x30"],
    ["3x", "a digit or ':': current byte is 0x78"],
    ["3:abcd", "',' after 3 bytes: current byte is 0x64"],
    ["0:x", "',' after 0 bytes: current byte is 0x78"],
    ["1234567890123456", "':' after a length of 15 digits: current byte is 0x36"],
  ];
  for (const [input, message] of malformed) {
    const decoder = netstrings().decoder();
    for (const chunk of chunked(bytes(input.slice(0, -1)), 1)) {
      decoder.push(chunk);
      assertEquals(decoder.next(), undefined);
    }
    decoder.push(bytes(input.at(-1)!));
    assertThrows(() => decoder.next(), FrameError, message);
    assertEquals(text(decoder.rest()), input);
  }
});

Deno.test("netstrings() reports a length over the limit at its colon", () => {
  const decoder = netstrings().decoder();
  decoder.push(bytes("4294967295"));
  assertEquals(decoder.next(), undefined);
  decoder.push(bytes(":"));
  const error = assertThrows(() => decoder.next(), FrameTooLargeError);
  assertEquals([error.size, error.limit], [4_294_967_295, 65_536]);
});

Deno.test("netstrings() takes netstrings of its limit and none larger", () => {
  const framing = netstrings({ limit: 3 });
  const decoder = framing.decoder();
  decoder.push(bytes("3:abc,4:"));
  assertEquals(text(decoder.next()!), "abc");
  assertThrows(() => decoder.next(), FrameTooLargeError);
  assertThrows(() => framing.encode(bytes("abcd")), FrameTooLargeError);
});

Deno.test("netstrings() reports input that ends inside a netstring", () => {
  for (const input of ["1", "1:", "1:a"]) {
    const decoder = netstrings().decoder();
    decoder.push(bytes(input));
    assertThrows(() => decoder.end(), Deno.errors.UnexpectedEof);
  }
});

Deno.test("netstrings() checks its limit, with the value in the message", () => {
  assertThrows(() => netstrings({ limit: 0 }), RangeError, "current value is 0");
});
