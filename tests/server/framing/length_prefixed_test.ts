import { assertEquals, assertThrows } from "@std/assert";
import {
  FrameError,
  FrameTooLargeError,
  lengthPrefixed,
  type LengthPrefixedOptions,
} from "../../../server/framing/mod.ts";
import { bytes, chunked } from "./_inputs.ts";

const ABC = bytes("abc");

/** Options and what they make of "abc". */
const LAYOUTS: [LengthPrefixedOptions, number[]][] = [
  [{}, [0, 0, 0, 3]],
  [{ prefix: 1 }, [3]],
  [{ prefix: 2 }, [0, 3]],
  [{ prefix: 2, endian: "little" }, [3, 0]],
  [{ prefix: 4, endian: "little" }, [3, 0, 0, 0]],
  [{ prefix: "varint" }, [3]],
  [{ prefix: 1, inclusive: true }, [4]],
  [{ prefix: 2, inclusive: true }, [0, 5]],
  [{ prefix: 4, inclusive: true, endian: "little" }, [7, 0, 0, 0]],
  [{ prefix: "varint", inclusive: true }, [4]],
];

Deno.test("lengthPrefixed() writes and reads each kind of prefix", () => {
  for (const [options, prefix] of LAYOUTS) {
    const framing = lengthPrefixed(options);
    const encoded = framing.encode(ABC);
    assertEquals(encoded, Uint8Array.from([...prefix, ...ABC]));
    for (let size = 1; size <= encoded.length; size++) {
      const decoder = framing.decoder();
      for (const chunk of chunked(encoded, size)) decoder.push(chunk);
      assertEquals(decoder.drain(), [ABC], `${JSON.stringify(options)} in chunks of ${size} bytes`);
    }
  }
});

Deno.test("lengthPrefixed() delivers nothing before a frame is whole (CONTRACT C-53)", () => {
  const decoder = lengthPrefixed({ prefix: 2 }).decoder();
  for (const byte of [0, 3, 97, 98]) {
    decoder.push(Uint8Array.of(byte));
    assertEquals(decoder.next(), undefined);
  }
  decoder.push(Uint8Array.of(99));
  assertEquals(decoder.next(), ABC);
});

Deno.test("lengthPrefixed() delivers empty frames", () => {
  for (const [options] of LAYOUTS) {
    const framing = lengthPrefixed(options);
    const decoder = framing.decoder();
    decoder.push(framing.encode(new Uint8Array()));
    decoder.push(framing.encode(new Uint8Array()));
    assertEquals(decoder.drain(), [new Uint8Array(), new Uint8Array()]);
  }
});

Deno.test("lengthPrefixed() reports a prefix that promises 4 GB before its body arrives (CONTRACT C-53)", () => {
  const promises: [LengthPrefixedOptions, number[], number][] = [
    [{}, [255, 255, 255, 255], 2 ** 32 - 1],
    [{ endian: "little" }, [0, 0, 0, 128], 2 ** 31],
    [{ inclusive: true }, [255, 255, 255, 255], 2 ** 32 - 5],
    [{ prefix: "varint" }, [255, 255, 255, 255, 15], 2 ** 32 - 1],
    [{ prefix: "varint" }, [255, 255, 255, 255, 255, 255, 127], 2 ** 49 - 1],
    [{ prefix: 2, limit: 1000 }, [255, 255], 65_535],
    [{ prefix: 1, limit: 2 }, [3], 3],
  ];
  for (const [options, prefix, promised] of promises) {
    const decoder = lengthPrefixed(options).decoder();
    for (const byte of prefix.slice(0, -1)) {
      decoder.push(Uint8Array.of(byte));
      assertEquals(decoder.next(), undefined);
    }
    decoder.push(Uint8Array.of(prefix.at(-1)!));
    const error = assertThrows(() => decoder.next(), FrameTooLargeError);
    assertEquals([error.size, error.limit], [promised, options.limit ?? 65_536]);
    assertEquals(decoder.rest(), Uint8Array.from(prefix));
  }
});

Deno.test("lengthPrefixed() reserves no memory for what a prefix promises", () => {
  const before = Deno.memoryUsage().external;
  const framing = lengthPrefixed({ limit: 2 ** 30 });
  const decoders = Array.from({ length: 100 }, () => {
    const decoder = framing.decoder();
    decoder.push(Uint8Array.of(0x3f, 0xff, 0xff, 0xff, 0));
    assertEquals(decoder.next(), undefined);
    return decoder;
  });
  const grown = Deno.memoryUsage().external - before;
  assertEquals(decoders.length * decoders[0].buffered, 500);
  assertEquals(grown < 10_000_000, true, `${grown} bytes for 100 decoders`);
});

Deno.test("lengthPrefixed() takes frames of its limit and none larger", () => {
  const framing = lengthPrefixed({ prefix: 2, limit: 300 });
  const decoder = framing.decoder();
  decoder.push(framing.encode(new Uint8Array(300)));
  assertEquals(decoder.next(), new Uint8Array(300));
  decoder.push(Uint8Array.of(1, 45));
  assertThrows(() => decoder.next(), FrameTooLargeError, "Frame of 301 bytes exceeds the limit of 300 bytes");
  assertThrows(() => framing.encode(new Uint8Array(301)), FrameTooLargeError);
});

Deno.test("lengthPrefixed() takes what its prefix cannot tell for over the limit", () => {
  const cases: [LengthPrefixedOptions, number][] = [
    [{ prefix: 1 }, 255],
    [{ prefix: 1, inclusive: true }, 254],
    [{ prefix: 2 }, 65_535],
    [{ prefix: 2, inclusive: true }, 65_533],
  ];
  for (const [options, most] of cases) {
    const framing = lengthPrefixed(options);
    const decoder = framing.decoder();
    decoder.push(framing.encode(new Uint8Array(most)));
    assertEquals(decoder.next()?.length, most);
    const error = assertThrows(() => framing.encode(new Uint8Array(most + 1)), FrameTooLargeError);
    assertEquals(error.limit, most);
  }
});

Deno.test("lengthPrefixed({ inclusive }) reports a length that does not cover its prefix", () => {
  const cases: [LengthPrefixedOptions, number[]][] = [
    [{ prefix: 4, inclusive: true }, [0, 0, 0, 3]],
    [{ prefix: 1, inclusive: true }, [0]],
    [{ prefix: "varint", inclusive: true }, [0x81, 0]],
  ];
  for (const [options, prefix] of cases) {
    const decoder = lengthPrefixed(options).decoder();
    decoder.push(Uint8Array.from(prefix));
    assertThrows(() => decoder.next(), FrameError, "must count the prefix");
  }
});

Deno.test("lengthPrefixed() reads the varints of Protocol Buffers", () => {
  const framing = lengthPrefixed({ prefix: "varint" });
  assertEquals([...framing.encode(new Uint8Array(300)).subarray(0, 2)], [0xac, 0x02]);
  const decoder = framing.decoder();
  decoder.push(Uint8Array.of(0x83, 0x80, 0x00, 97, 98, 99));
  assertEquals(decoder.next(), ABC, "padded with zeros");
});

Deno.test("lengthPrefixed() reports a varint without an end", () => {
  for (const byte of [0x80, 0xff]) {
    const decoder = lengthPrefixed({ prefix: "varint" }).decoder();
    for (let i = 0; i < 6; i++) {
      decoder.push(Uint8Array.of(byte));
      assertEquals(decoder.next(), undefined);
    }
    decoder.push(Uint8Array.of(byte));
    assertThrows(() => decoder.next(), FrameError, "exceeds 7 bytes");
  }
});

Deno.test("lengthPrefixed() carries frames of the sizes at which a varint grows", () => {
  for (const inclusive of [false, true]) {
    const framing = lengthPrefixed({ prefix: "varint", inclusive });
    for (const size of [0, 125, 126, 127, 128, 16_380, 16_381, 16_382, 16_383, 16_384]) {
      const encoded = framing.encode(new Uint8Array(size));
      const decoder = framing.decoder();
      decoder.push(encoded);
      assertEquals(decoder.next()?.length, size);
      assertEquals(decoder.buffered, 0);
    }
  }
});

Deno.test("lengthPrefixed() reports input that ends inside a prefix or a frame", () => {
  for (const input of [[0], [0, 0, 0, 3], [0, 0, 0, 3, 97]]) {
    const decoder = lengthPrefixed().decoder();
    decoder.push(Uint8Array.from(input));
    assertThrows(() => decoder.end(), Deno.errors.UnexpectedEof, `${input.length} bytes are left`);
  }
});

Deno.test("lengthPrefixed() checks its options once, with the value in the message", () => {
  assertThrows(
    () => lengthPrefixed({ prefix: 3 as 4 }),
    TypeError,
    `one of 1, 2, 4, "varint": current value is 3`,
  );
  assertThrows(() => lengthPrefixed({ endian: "middle" as "big" }), TypeError, `current value is "middle"`);
  assertThrows(() => lengthPrefixed({ limit: 0 }), RangeError, "current value is 0");
});
