import {
  assertEquals,
  assertGreater,
  assertLessOrEqual,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  type Decoder,
  delimited,
  fixed,
  FrameError,
  type Framing,
  lengthPrefixed,
  lines,
  netstrings,
} from "../../../server/framing/mod.ts";
import { bytes, chunked, concat, text } from "./_inputs.ts";

/** The framings, each for frames of 100 bytes at most that are alike as text. */
const LIMIT = 100;
const FRAMINGS: Record<string, Framing<Uint8Array>> = {
  "lines as bytes": lines({ encoding: "bytes", limit: LIMIT }),
  "delimited": delimited("\r\n\r\n", { limit: LIMIT }),
  "fixed": fixed(LIMIT),
  "lengthPrefixed": lengthPrefixed({ limit: LIMIT }),
  "varint": lengthPrefixed({ prefix: "varint", limit: LIMIT }),
  "netstrings": netstrings({ limit: LIMIT }),
};

function frameOf(letter: string): Uint8Array {
  return bytes(letter.repeat(LIMIT));
}

/** Runs a test for each framing, whose name the test's name begins with. */
function testEach(name: string, test: (framing: Framing<Uint8Array>) => void): void {
  for (const [framing, value] of Object.entries(FRAMINGS)) {
    Deno.test(`${framing}: ${name}`, () => test(value));
  }
}

function pushAndDrain(decoder: Decoder<Uint8Array>, chunks: Uint8Array[]): Uint8Array[] {
  return chunks.flatMap((chunk) => {
    decoder.push(chunk);
    return decoder.drain();
  });
}

testEach("a decoder gives the same frames for any packetisation (CONTRACT C-48)", (framing) => {
  const frames = ["a", "b", "c"].map(frameOf);
  const input = concat(frames.map(framing.encode));
  for (let size = 1; size <= input.length; size++) {
    assertEquals(pushAndDrain(framing.decoder(), chunked(input, size)), frames);
  }
});

testEach("a decoder takes any number of chunks before a frame is asked for", (framing) => {
  const frames = ["a", "b", "c"].map(frameOf);
  const input = concat(frames.map(framing.encode));
  const decoder = framing.decoder();
  for (const chunk of chunked(input, 7)) decoder.push(chunk);
  assertEquals(decoder.buffered, input.length);
  assertEquals(decoder.next(), frames[0]);
  assertEquals(decoder.rest(), concat(frames.slice(1).map(framing.encode)));
});

testEach("frames keep their order when chunks come in between", (framing) => {
  const decoder = framing.decoder();
  decoder.push(framing.encode(frameOf("a")));
  decoder.push(framing.encode(frameOf("b")));
  assertEquals(decoder.next(), frameOf("a"));
  decoder.push(framing.encode(frameOf("c")));
  assertEquals(decoder.drain(), [frameOf("b"), frameOf("c")]);
});

testEach("a frame handed out is never written over", (framing) => {
  const decoder = framing.decoder();
  const frames = pushAndDrain(decoder, chunked(framing.encode(frameOf("a")), 30));
  frames.push(...pushAndDrain(decoder, chunked(framing.encode(frameOf("b")), 30)));
  assertEquals(frames, [frameOf("a"), frameOf("b")]);
});

testEach("a frame inside one chunk is a view of it, and a plain Uint8Array", (framing) => {
  class Special extends Uint8Array {}
  const decoder = framing.decoder();
  const chunk = new Special(framing.encode(frameOf("a")));
  decoder.push(chunk);
  const frame = decoder.next()!;
  assertStrictEquals(frame.buffer, chunk.buffer as ArrayBuffer);
  assertStrictEquals(frame.constructor, Uint8Array);
});

testEach("a frame that came in pieces does not keep more than one frame's memory", (framing) => {
  const encoded = framing.encode(frameOf("a"));
  const [frame] = pushAndDrain(framing.decoder(), chunked(encoded, 1));
  assertLessOrEqual(frame.buffer.byteLength, LIMIT + 20);
});

testEach("rest() hands over what is left, and the decoder goes on with what comes next", (framing) => {
  const [a, b] = ["a", "b"].map(frameOf);
  const decoder = framing.decoder();
  decoder.push(concat([framing.encode(a), bytes("rest")]));
  assertEquals(decoder.next(), a);
  assertEquals(text(decoder.rest()), "rest");
  assertEquals(decoder.buffered, 0);
  assertEquals(decoder.rest().length, 0);
  decoder.push(framing.encode(b));
  assertEquals(decoder.next(), b);
});

testEach("rest() forgets the beginning of a frame", (framing) => {
  const encoded = framing.encode(frameOf("a"));
  for (let cut = 1; cut < encoded.length; cut++) {
    const decoder = framing.decoder();
    decoder.push(encoded.slice(0, cut));
    assertEquals(decoder.next(), undefined);
    assertEquals(decoder.rest(), encoded.slice(0, cut));
    decoder.push(encoded);
    assertEquals(decoder.next(), frameOf("a"));
  }
});

testEach("end() delivers the frames not taken yet, and then nothing", (framing) => {
  const decoder = framing.decoder();
  decoder.push(framing.encode(frameOf("a")));
  decoder.push(framing.encode(frameOf("b")));
  assertEquals([decoder.end(), decoder.end(), decoder.end()], [frameOf("a"), frameOf("b"), undefined]);
});

testEach("a decoder without input has no frames, no bytes and no complaint", (framing) => {
  const decoder = framing.decoder();
  decoder.push(new Uint8Array());
  assertEquals([decoder.next(), decoder.drain(), decoder.end(), decoder.buffered], [
    undefined,
    [],
    undefined,
    0,
  ]);
});

testEach("a decoder holds no more than a frame while one that never ends comes in", (framing) => {
  const decoder = framing.decoder();
  const chunk = new Uint8Array(8).fill(0x39);
  let most = 0;
  try {
    for (let i = 0; i < 1000; i++) {
      decoder.push(chunk);
      decoder.drain();
      most = Math.max(most, decoder.buffered);
    }
  } catch (error) {
    assertEquals(error instanceof FrameError, true);
  }
  assertLessOrEqual(most, LIMIT + 32);
});

testEach("a decoder takes back no frame when its consumer pauses between two (CONTRACT C-51)", (framing) => {
  const decoder = framing.decoder();
  decoder.push(concat(["a", "b", "c"].map(frameOf).map(framing.encode)));
  assertEquals(decoder.next(), frameOf("a"));
  decoder.push(framing.encode(frameOf("d")));
  assertEquals(decoder.drain(), ["b", "c", "d"].map(frameOf));
});

testEach("a decoder refuses what is no bytes", (framing) => {
  const decoder = framing.decoder();
  assertThrows(() => decoder.push("text" as unknown as Uint8Array), TypeError, "current value is text");
  assertThrows(() => decoder.push([1] as unknown as Uint8Array), TypeError);
});

Deno.test("a decoder that failed throws the same error from then on, and still hands over its bytes", () => {
  for (const framing of [lines({ limit: 4 }), netstrings({ limit: 4 }), lengthPrefixed({ limit: 4 })]) {
    const decoder = (framing as Framing<unknown>).decoder();
    decoder.push(bytes("1234567890:"));
    const error = assertThrows(() => decoder.next());
    for (
      const call of [
        () => decoder.next(),
        () => decoder.drain(),
        () => decoder.end(),
        () => decoder.push(bytes("more")),
      ]
    ) assertStrictEquals(assertThrows(call), error);
    assertEquals(text(decoder.rest()), "1234567890:");
    assertStrictEquals(assertThrows(() => decoder.next()), error);
  }
});

Deno.test("drain() delivers the frames in front of an error, and the error the next time", () => {
  const decoder = netstrings().decoder();
  decoder.push(bytes("1:a,1:b,x"));
  assertEquals(decoder.drain().map(text), ["a", "b"]);
  assertThrows(() => decoder.drain(), FrameError);
});

Deno.test("switching between lines and raw bytes ten thousand times in one chunk neither recurses nor crawls (CONTRACT C-52)", () => {
  const times = 10_000;
  const decoder = lines().decoder();
  let input: Uint8Array = bytes("3\nraw".repeat(times));
  for (let i = 0; i < times; i++) {
    decoder.push(input);
    assertEquals(decoder.next(), "3");
    const rest = decoder.rest();
    assertEquals(rest[0], 0x72);
    input = rest.subarray(3);
  }
  assertEquals(input.length, 0);
});

Deno.test("a frame that comes byte by byte costs linear time", () => {
  // A decoder that searched or copied again what it had would need minutes.
  const size = 2 ** 20;
  const byte = Uint8Array.of(0x61);
  const cases: [Decoder<{ length: number }>, Uint8Array, Uint8Array][] = [
    [lines({ limit: size }).decoder(), bytes(""), bytes("\n")],
    [delimited("\r\n\r\n", { limit: size }).decoder(), bytes(""), bytes("\r\n\r\n")],
    [lengthPrefixed({ limit: size }).decoder(), Uint8Array.of(0, 0x10, 0, 0), bytes("")],
    [netstrings({ limit: size }).decoder(), bytes(`${size}:`), bytes(",")],
  ];
  for (const [decoder, before, after] of cases) {
    decoder.push(before);
    for (let i = 0; i < size; i++) {
      assertEquals(decoder.next() === undefined, true);
      decoder.push(byte);
    }
    decoder.push(after);
    assertEquals(decoder.next()?.length, size);
  }
});

Deno.test("a million tiny frames in one chunk cost linear time", () => {
  const decoder = lines().decoder();
  decoder.push(new Uint8Array(1_000_000).fill(0x0a));
  assertEquals(decoder.drain().length, 1_000_000);
  const prefixed = lengthPrefixed({ prefix: 1 }).decoder();
  prefixed.push(new Uint8Array(1_000_000));
  assertEquals(prefixed.drain().length, 1_000_000);
});

Deno.test("a hundred thousand chunks that nobody took frames from cost linear time", () => {
  const decoder = fixed(2).decoder();
  for (let i = 0; i < 100_000; i++) decoder.push(Uint8Array.of(i));
  assertGreater(decoder.buffered, 99_999);
  assertEquals(decoder.drain().length, 50_000);
});
