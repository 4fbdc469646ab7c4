/** Ten thousand random inputs for each decoder. */
import { assertEquals, fail } from "@std/assert";
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
import { bytes, concat, Random, text } from "./_inputs.ts";

const INPUTS = 10_000;
const LIMIT = 50;
/** The most that any prefix or delimiter here adds to a frame. */
const OVERHEAD = 17;

interface Subject {
  framing: Framing<Uint8Array>;
  /** The bytes that decide in this framing; inputs are made of little else. */
  alphabet: Uint8Array;
  frame(random: Random): Uint8Array;
}

function subject(framing: Framing<Uint8Array>, alphabet: string | Uint8Array): Subject {
  const letters = typeof alphabet === "string" ? bytes(alphabet) : alphabet;
  return { framing, alphabet: letters, frame: (random) => random.bytes(LIMIT, letters) };
}

/** A frame of whole characters. */
function letters(random: Random): Uint8Array {
  return bytes(Array.from({ length: random.below(20) }, () => random.pick(UTF8_LETTERS)).join(""));
}

/** Lines of text as a framing of bytes, so that all can be tested alike. */
function asBytes(framing: Framing<string>): Framing<Uint8Array> {
  const encoded = (line: string | undefined): Uint8Array | undefined =>
    line === undefined ? undefined : bytes(line);
  return {
    ...framing as unknown as Framing<Uint8Array>,
    encode: (frame) => framing.encode(text(frame)),
    decoder: () => {
      const decoder = framing.decoder();
      return {
        get buffered() {
          return decoder.buffered;
        },
        push: (chunk) => decoder.push(chunk),
        next: () => encoded(decoder.next()),
        drain: () => decoder.drain().map(bytes),
        end: () => encoded(decoder.end()),
        rest: () => decoder.rest(),
      };
    },
  };
}

const UTF8_PIECES = Uint8Array.of(
  0x0a,
  0x0d,
  0x61,
  0xc3,
  0xa4,
  0xe2,
  0x82,
  0xac,
  0xf0,
  0x9f,
  0xa6,
  0x95,
  0xff,
);
const SMALL_NUMBERS = Uint8Array.of(0, 0, 0, 1, 2, 5, 50, 51, 127, 128, 129, 255);
const UTF8_LETTERS = ["\n", "\r", "a", "ä", "€", "🦕", "\u{FEFF}", "\u{FFFD}"];
const crlf = { newline: "\r\n", strict: true, limit: LIMIT } as const;

const SUBJECTS: Record<string, Subject> = {
  "lines": subject(asBytes(lines({ limit: LIMIT })), "a\n\r"),
  "lines in UTF-8": { ...subject(asBytes(lines({ limit: LIMIT })), UTF8_PIECES), frame: letters },
  "lines in valid UTF-8": {
    ...subject(asBytes(lines({ limit: LIMIT, fatal: true })), UTF8_PIECES),
    frame: letters,
  },
  "strict lines": subject(asBytes(lines(crlf)), "a\n\r"),
  "lines as bytes": subject(lines({ limit: LIMIT, encoding: "bytes" }), "a\n\r"),
  "strict lines as bytes": subject(lines({ ...crlf, encoding: "bytes" }), "a\n\r"),
  "delimited by a byte": subject(delimited("\0", { limit: LIMIT }), "ab\0"),
  "delimited by bytes": subject(delimited("abab", { limit: LIMIT }), "ab"),
  "fixed": {
    ...subject(fixed(9), "abc"),
    frame: (random) => Uint8Array.from({ length: 9 }, () => random.below(256)),
  },
  "length of 1 byte": subject(lengthPrefixed({ limit: LIMIT, prefix: 1, inclusive: true }), SMALL_NUMBERS),
  "length of 2 bytes": subject(lengthPrefixed({ limit: LIMIT, prefix: 2 }), SMALL_NUMBERS),
  "length of 4 bytes": subject(lengthPrefixed({ limit: LIMIT, endian: "little" }), SMALL_NUMBERS),
  "length as varint": subject(lengthPrefixed({ limit: LIMIT, prefix: "varint" }), SMALL_NUMBERS),
  "netstrings": subject(netstrings({ limit: LIMIT }), "0012345::,,ab"),
};

/** What became of an input. */
interface Outcome {
  frames: Uint8Array[];
  error: string | undefined;
  rest: Uint8Array;
}

/** Decodes an input to its end, and takes care that the decoder never holds more than it may. */
function outcome(decoder: Decoder<Uint8Array>, chunks: Uint8Array[], random: Random): Outcome {
  const frames: Uint8Array[] = [];
  let error: string | undefined;
  try {
    for (const chunk of chunks) {
      decoder.push(chunk);
      if (random.below(2) === 0) frames.push(...decoder.drain());
      for (let frame; (frame = decoder.next()) !== undefined;) frames.push(frame);
      if (decoder.buffered > LIMIT + OVERHEAD) fail(`${decoder.buffered} bytes are held`);
    }
    for (let frame; (frame = decoder.end()) !== undefined;) frames.push(frame);
  } catch (thrown) {
    if (!(thrown instanceof FrameError) && !(thrown instanceof Deno.errors.UnexpectedEof)) throw thrown;
    error = `${thrown.name}: ${thrown.message}`;
  }
  return { frames, error, rest: decoder.rest() };
}

for (const [i, [name, { framing, alphabet, frame }]] of Object.entries(SUBJECTS).entries()) {
  Deno.test(`${name}: ten thousand random inputs decode the same whole and cut, and what was encoded comes back`, () => {
    const random = new Random(i + 1);
    for (let input = 0; input < INPUTS; input++) {
      if (input % 2 === 0) assertRoundTrip(framing, frame, random);
      else assertSameHoweverCut(framing, random.bytes(3 * LIMIT, alphabet), random);
    }
  });
}

/** What can be encoded comes back, cut at random places. */
function assertRoundTrip(framing: Framing<Uint8Array>, frame: Subject["frame"], random: Random): void {
  const sent: Uint8Array[] = [];
  const encoded: Uint8Array[] = [];
  for (let i = random.below(6); i > 0; i--) {
    try {
      const candidate = frame(random);
      encoded.push(framing.encode(candidate));
      sent.push(candidate);
    } catch (error) {
      // A frame that holds its delimiter, for one: there is nothing to come back.
      if (!(error instanceof FrameError)) throw error;
    }
  }
  const { frames, error, rest } = outcome(framing.decoder(), random.cut(concat(encoded)), random);
  assertSame(frames, sent);
  if (error !== undefined || rest.length > 0) fail(`${error}, ${rest.length} bytes are left`);
}

/** Whatever the input is, how it is cut does not change what it decodes to. */
function assertSameHoweverCut(framing: Framing<Uint8Array>, input: Uint8Array, random: Random): void {
  const whole = outcome(framing.decoder(), [input], random);
  const cut = outcome(framing.decoder(), random.cut(input), random);
  assertSame(cut.frames, whole.frames);
  if (cut.error !== whole.error) fail(`whole: ${whole.error}, cut: ${cut.error}`);
}

/** `assertEquals` for frames, quick enough for a hundred thousand inputs. */
function assertSame(actual: Uint8Array[], expected: Uint8Array[]): void {
  const same = actual.length === expected.length && actual.every((frame, i) => equal(frame, expected[i]));
  if (!same) assertEquals(actual, expected);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

Deno.test("lines: what is decoded ahead is what is decoded line by line, and the rest begins behind it", () => {
  const random = new Random(99);
  for (let input = 0; input < 1000; input++) {
    const alphabet = random.pick([UTF8_PIECES, bytes("abcdefghijklmnopqrstuvwxyz\r\n")]);
    const chunk = random.bytes(4000, alphabet);
    const ahead = lines().decoder();
    const single = lines({ encoding: "bytes" }).decoder();
    ahead.push(chunk);
    single.push(chunk);
    for (let taken = random.below(200); taken > 0; taken--) {
      const line = single.next();
      assertEquals(ahead.next(), line && text(line));
    }
    assertEquals(ahead.rest().length, single.rest().length);
  }
});
