import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { type Decoder, FrameError, FrameTooLargeError, lines } from "../../../server/framing/mod.ts";
import { bytes, chunked, text } from "./_inputs.ts";

/** All frames of an input, its end included. */
function decoded<F>(decoder: Decoder<F>, ...chunks: (string | Uint8Array)[]): F[] {
  const frames: F[] = [];
  for (const chunk of chunks) {
    decoder.push(typeof chunk === "string" ? bytes(chunk) : chunk);
    frames.push(...decoder.drain());
  }
  for (let frame; (frame = decoder.end()) !== undefined;) frames.push(frame);
  return frames;
}

Deno.test("lines() ends a line at a line feed, with a carriage return before it or not", () => {
  assertEquals(decoded(lines().decoder(), "one\ntwo\r\n\n\r\nfive\n"), ["one", "two", "", "", "five"]);
});

Deno.test("lines() takes a lone carriage return for a part of the line", () => {
  assertEquals(decoded(lines().decoder(), "a\rb\r\r\n"), ["a\rb\r"]);
});

Deno.test("lines() finds a delimiter that is split over chunks", () => {
  assertEquals(decoded(lines().decoder(), "one\r", "\ntwo", "\n", "\r", "\n"), ["one", "two", ""]);
  const strict = lines({ newline: "\r\n", strict: true });
  assertEquals(decoded(strict.decoder(), "one\r", "\ntwo\r", "x\r", "\r", "\n"), ["one", "two\rx\r"]);
});

Deno.test("lines() takes an unterminated last line for a line, and no input for none", () => {
  assertEquals(decoded(lines().decoder(), "one\ntw", "o"), ["one", "two"]);
  assertEquals(decoded(lines().decoder(), "one\n"), ["one"]);
  assertEquals(decoded(lines().decoder()), []);
  assertEquals(decoded(lines({ encoding: "bytes" }).decoder(), "one\ntwo").map(text), ["one", "two"]);
});

Deno.test("lines() drops the carriage return of a newline that the end of the input cut", () => {
  assertEquals(decoded(lines().decoder(), "one\r"), ["one"]);
  assertEquals(decoded(lines({ strict: true, newline: "\r\n" }).decoder(), "one\r"), ["one\r"]);
});

Deno.test("lines() gives the same lines for any packetisation (CONTRACT C-48)", () => {
  const input = bytes("one\r\n\ntwo — zwei\n\u{FEFF}drei\r\n🦕🦕\nlast");
  for (let size = 1; size <= input.length; size++) {
    assertEquals(
      decoded(lines().decoder(), ...chunked(input, size)),
      ["one", "", "two — zwei", "\u{FEFF}drei", "🦕🦕", "last"],
      `chunks of ${size} bytes`,
    );
  }
});

Deno.test("lines() allows part of a delimiter behind a line of the largest size (CONTRACT C-49)", () => {
  for (const options of [{ limit: 4 }, { limit: 4, strict: true, newline: "\r\n" as const }]) {
    const decoder = lines(options).decoder();
    decoder.push(bytes("four\r"));
    assertEquals(decoder.next(), undefined);
    decoder.push(bytes("\n"));
    assertEquals(decoder.next(), "four");
  }
});

Deno.test("lines() reports an over-long line before it is whole", () => {
  for (
    const chunks of [["fives"], ["four", "s"], ["four\r", "x"], ["f", "o", "u", "r", "s"], [
      "fives and more\n",
    ]]
  ) {
    const decoder = lines({ limit: 4 }).decoder();
    for (const chunk of chunks.slice(0, -1)) {
      decoder.push(bytes(chunk));
      assertEquals(decoder.next(), undefined);
    }
    decoder.push(bytes(chunks.at(-1)!));
    const error = assertThrows(() => decoder.next(), FrameTooLargeError);
    assertEquals([error.size, error.limit], [5, 4]);
  }
});

Deno.test("lines() reports a last line that the end of the input makes over-long", () => {
  const decoder = lines({ limit: 4, newline: "\r\n", strict: true }).decoder();
  decoder.push(bytes("four\r"));
  assertEquals(decoder.next(), undefined);
  assertThrows(() => decoder.end(), FrameTooLargeError);
});

Deno.test("lines() delivers the lines in front of an over-long one, and keeps all behind (CONTRACT C-50)", () => {
  const decoder = lines({ limit: 4 }).decoder();
  decoder.push(bytes("one\ntwo\nthree\nfour\n"));
  assertEquals(decoder.drain(), ["one", "two"]);
  assertThrows(() => decoder.next(), FrameTooLargeError);
  assertEquals(text(decoder.rest()), "three\nfour\n");
});

Deno.test("lines() measures the limit in bytes, not in characters", () => {
  assertEquals(decoded(lines({ limit: 4 }).decoder(), "ää\n"), ["ää"]);
  assertThrows(() => decoded(lines({ limit: 4 }).decoder(), "äää\n"), FrameTooLargeError);
  assertThrows(() => lines({ limit: 4 }).encode("äää"), FrameTooLargeError);
});

Deno.test("lines() decodes lines of all sizes around its window and its limit", () => {
  for (const size of [1, 510, 511, 512, 513, 16_382, 16_383, 16_384, 16_385, 65_535, 65_536]) {
    const line = "x".repeat(size);
    const input = `${line}\n\n${line}\r\n${line}`;
    assertEquals(decoded(lines().decoder(), input), [line, "", line, line], `lines of ${size} bytes`);
  }
});

Deno.test("lines({ strict }) ends a line at its newline only", () => {
  const crlf = lines({ newline: "\r\n", strict: true });
  assertEquals(decoded(crlf.decoder(), "a\nb\r\n.\n\r\nc\r\n"), ["a\nb", ".\n", "c"]);
  const lf = lines({ newline: "\n", strict: true });
  assertEquals(decoded(lf.decoder(), "a\r\nb\n"), ["a\r", "b"]);
  assertEquals(decoded(lf.decoder(), chunked(bytes("a\r\nb\n"), 1)[0], "\r", "\nb\n"), ["a\r", "b"]);
});

Deno.test("lines() joins a character that is split over chunks", () => {
  assertEquals(decoded(lines().decoder(), ...chunked(bytes("🦕ä€\n"), 1)), ["🦕ä€"]);
});

Deno.test("lines() keeps a byte order mark", () => {
  assertEquals(decoded(lines().decoder(), "\u{FEFF}a\n\u{FEFF}b"), ["\u{FEFF}a", "\u{FEFF}b"]);
});

Deno.test("lines() replaces what is not UTF-8 and never takes a newline for a part of it", () => {
  const input = Uint8Array.of(0x61, 0xe2, 0x82, 0x0a, 0xff, 0x0a, 0xf0, 0x9f, 0x0d, 0x0a, 0x62, 0xc3);
  const expected = ["a\u{FFFD}", "\u{FFFD}", "\u{FFFD}", "b\u{FFFD}"];
  for (let size = 1; size <= input.length; size++) {
    assertEquals(decoded(lines().decoder(), ...chunked(input, size)), expected);
  }
});

Deno.test("lines({ fatal }) reports the line that is not UTF-8, and no line before it", () => {
  const input = new Uint8Array([...bytes("one\ntwo \u{FFFD}\n"), 0xff, ...bytes("\nfour\n")]);
  for (let size = 1; size <= input.length; size++) {
    const decoder = lines({ fatal: true }).decoder();
    const received: string[] = [];
    const error = assertThrows(() => {
      for (const chunk of chunked(input, size)) {
        decoder.push(chunk);
        for (let line; (line = decoder.next()) !== undefined;) received.push(line);
      }
    }, FrameError);
    assertEquals(received, ["one", "two \u{FFFD}"]);
    assertInstanceOf(error.cause, TypeError);
  }
});

Deno.test("lines({ encoding: 'bytes' }) gives the bytes as they came", () => {
  const decoder = lines({ encoding: "bytes" }).decoder();
  assertEquals(decoded(decoder, Uint8Array.of(0xff, 0, 10, 13, 10, 0xc3, 13, 10)), [
    Uint8Array.of(0xff, 0),
    Uint8Array.of(),
    Uint8Array.of(0xc3),
  ]);
});

Deno.test("lines() encodes with the newline that was asked for", () => {
  assertEquals(lines().encode("a\rb"), bytes("a\rb\n"));
  assertEquals(lines({ newline: "\r\n" }).encode(""), bytes("\r\n"));
  assertEquals(lines({ newline: "\r\n", encoding: "bytes" }).encode(bytes("a")), bytes("a\r\n"));
});

Deno.test("lines() refuses to encode what would decode to something else", () => {
  assertThrows(() => lines().encode("a\nb"), FrameError, "holds a newline");
  assertThrows(() => lines().encode("a\r"), FrameError, "carriage return");
  assertThrows(() => lines({ newline: "\r\n" }).encode("a\nb"), FrameError);
  assertThrows(() => lines({ newline: "\r\n", strict: true }).encode("a\r\nb"), FrameError);
  assertThrows(() => lines({ encoding: "bytes" }).encode(bytes("a\nb")), FrameError);
});

Deno.test("lines({ strict }) encodes whatever does not hold its newline", () => {
  assertEquals(lines({ newline: "\r\n", strict: true }).encode("a\nb\r"), bytes("a\nb\r\r\n"));
  assertEquals(lines({ newline: "\n", strict: true }).encode("a\r"), bytes("a\r\n"));
});

Deno.test("lines() counts the bytes of lines not yet taken, whatever was decoded ahead", () => {
  for (const line of ["plain ASCII", "dreißig Äpfel", "bad \u{FFFD}"]) {
    const sent = bytes(`${line}\n`);
    const decoder = lines().decoder();
    decoder.push(bytes(`${line}\n`.repeat(4)));
    for (let left = 4; left > 0; left--) {
      assertEquals(decoder.buffered, left * sent.length);
      assertEquals(decoder.next(), line);
    }
    assertEquals(decoder.buffered, 0);
  }
});

Deno.test("lines() hands over the bytes behind the last line taken, valid or not", () => {
  const decoder = lines().decoder();
  decoder.push(Uint8Array.of(0xff, 0xfe, 0x0a, 0xc3, 0xa4, 0x0a, 0xff, 0x0a, 0x61));
  decoder.next();
  decoder.next();
  assertEquals(decoder.rest(), Uint8Array.of(0xff, 0x0a, 0x61));
});

Deno.test("lines() checks its options once, with the value in the message", () => {
  assertThrows(() => lines({ limit: 0 }), RangeError, "current value is 0");
  assertThrows(() => lines({ limit: 1.5 }), RangeError, "current value is 1.5");
  assertThrows(() => lines({ limit: Infinity }), RangeError, "current value is Infinity");
  assertThrows(() => lines({ limit: "64" as unknown as number }), TypeError, "current value is 64");
  assertThrows(() => lines({ newline: "\r" as "\n" }), TypeError, `current value is "\\r"`);
  assertThrows(() => lines({ encoding: "latin1" as "utf-8" }), TypeError, `current value is "latin1"`);
});
