/**
 * How fast framing decodes: each framing of the kit beside the ways to read lines that Deno's users know, a
 * `TextLineStream` and Node's `readline`, over as many frames of the same size in memory, taking turns.
 *
 * Promise: lines of 40 bytes, by the batch or pushed, at least 3 times as fast as the fastest of these. In a loop
 * over single frames the promise that `for await` makes for each of them is most of the cost, whoever decodes.
 *
 * ```sh
 * deno run bench/framing.ts [SECONDS]
 * ```
 *
 * @module
 */
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { delimited, fixed, type Framing, lengthPrefixed, lines, netstrings } from "../server/framing/mod.ts";

/** What one subject did. */
export interface Row {
  /** What was measured. */
  name: string;
  /** Input decoded, in millions of bytes a second: the median of all rounds. */
  mbPerSecond: number;
  /** Frames decoded a second: the median of all rounds. */
  framesPerSecond: number;
  /** Frames against those of the fastest peer in the same round: the median of all rounds. */
  ratio: number;
}

/** Options for {@linkcode run}. */
export interface RunOptions {
  /** How long to measure, in seconds. Each subject runs three times at least. */
  seconds: number;
}

/** One way to decode one input. */
interface Subject {
  name: string;
  isPeer: boolean;
  /** Bytes in the input. */
  size: number;
  /** Decodes the input once; answers the number of frames. */
  decode(): Promise<number>;
}

type Frame = { length: number };

/** Sizes of the frames, in bytes. */
export const FRAME_SIZES: readonly number[] = [40, 1024];
const INPUT_SIZE = 4 * 1024 * 1024;
const CHUNK_SIZE = 64 * 1024;
const MIN_ROUNDS = 3;

/** The framings as bytes; `lines` as text comes before them. */
const FRAMINGS: Record<string, (size: number) => Framing<Uint8Array>> = {
  "lines as bytes": () => lines({ encoding: "bytes" }),
  "delimited by CR LF": () => delimited("\r\n"),
  fixed: (size) => fixed(size),
  "length of 4 bytes": () => lengthPrefixed(),
  "length as varint": () => lengthPrefixed({ prefix: "varint" }),
  "netstrings": () => netstrings(),
};

/**
 * Measures all framings with frames of 40 bytes and of 1 KiB.
 *
 * @param options How long to measure.
 * @returns A row for each peer, and one for each framing and form of loop.
 */
export async function run(options: RunOptions): Promise<Row[]> {
  const contests = FRAME_SIZES.flatMap(contestsOf);
  const milliseconds = options.seconds * 1000 / contests.length;
  // The peers take part in each contest and are listed for the first.
  const rows = new Map<string, Row>();
  for (const subjects of contests) {
    for (const row of await takeTurns(subjects, milliseconds)) {
      if (!rows.has(row.name)) rows.set(row.name, row);
    }
  }
  return [...rows.values()];
}

/** One contest for each framing, as a program has one or two and not all at once. */
function contestsOf(frameSize: number): Subject[][] {
  const text = "The quick brown fox jumps over the lazy dog. ".repeat(frameSize).slice(0, frameSize);
  const bytes = new TextEncoder().encode(text);
  const name = (subject: string): string => `${subject}, ${frameSize} bytes`;
  const lineChunks = chunksOf(lines(), text);
  const peers = peersOf(name, lineChunks);
  const contests = [[...peers, ...forms(name("lines"), lines(), lineChunks)]];
  for (const [subject, make] of Object.entries(FRAMINGS)) {
    const framing = make(frameSize);
    contests.push([...peers, ...forms(name(subject), framing, chunksOf(framing, bytes))]);
  }
  return contests;
}

function peersOf(name: (subject: string) => string, chunks: Uint8Array[]): Subject[] {
  const size = byteLength(chunks);
  return [
    { name: name("TextLineStream"), isPeer: true, size, decode: () => readTextLineStream(chunks) },
    { name: name("node:readline"), isPeer: true, size, decode: () => readReadline(chunks) },
    { name: name("node:readline") + ", events", isPeer: true, size, decode: () => readEvents(chunks) },
  ];
}

/** The ways to use a framing. */
function forms<F extends Frame>(name: string, framing: Framing<F>, chunks: Uint8Array[]): Subject[] {
  const size = byteLength(chunks);
  const form = (suffix: string, decode: () => Promise<number>): Subject => (
    { name: name + suffix, isPeer: false, size, decode }
  );
  return [
    form("", () => count(framing.decode(chunks))),
    form(", batches", () => countBatches(framing.batches(chunks))),
    form(", pushed", () => Promise.resolve(countPushed(framing, chunks))),
    form(", stream", () => count(ReadableStream.from(chunks).pipeThrough(framing.stream()))),
  ];
}

/** As many frames as the input's size allows, encoded and cut into chunks that do not heed them. */
function chunksOf<F extends Frame>(framing: Framing<F>, frame: F): Uint8Array[] {
  const encoded = framing.encode(frame);
  const all = new Uint8Array(Math.floor(INPUT_SIZE / frame.length) * encoded.length);
  for (let at = 0; at < all.length; at += encoded.length) all.set(encoded, at);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < all.length; at += CHUNK_SIZE) chunks.push(all.slice(at, at + CHUNK_SIZE));
  return chunks;
}

function byteLength(chunks: Uint8Array[]): number {
  return chunks.reduce((size, chunk) => size + chunk.length, 0);
}

/** Runs all subjects one after the other, again and again: what disturbs the machine disturbs them all. */
async function takeTurns(subjects: Subject[], milliseconds: number): Promise<Row[]> {
  // Once to be compiled, and to know what to expect.
  const frames = await subjects[0].decode();
  for (const subject of subjects) await measure(subject, frames);
  const rates = subjects.map((): number[] => []);
  const end = performance.now() + milliseconds;
  for (let round = 0; round < MIN_ROUNDS || performance.now() < end; round++) {
    for (const [i, subject] of subjects.entries()) rates[i].push(await measure(subject, frames));
  }
  const peers = rates.filter((_, i) => subjects[i].isPeer);
  const fastestPeer = rates[0].map((_, round) => Math.max(...peers.map((rate) => rate[round])));
  return subjects.map(({ name, size }, i) => ({
    name,
    mbPerSecond: median(rates[i]) * size / frames / 1e6,
    framesPerSecond: median(rates[i]),
    ratio: median(rates[i].map((rate, round) => rate / fastestPeer[round])),
  }));
}

/** Frames a second. */
async function measure(subject: Subject, frames: number): Promise<number> {
  const start = performance.now();
  const decoded = await subject.decode();
  const seconds = (performance.now() - start) / 1000;
  if (decoded !== frames) throw new Error(`${subject.name} decoded ${decoded} frames of ${frames}`);
  return decoded / seconds;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

async function count(frames: AsyncIterable<Frame>): Promise<number> {
  let counted = 0;
  for await (const frame of frames) counted += frame.length > 0 ? 1 : 0;
  return counted;
}

async function countBatches(batches: AsyncIterable<Frame[]>): Promise<number> {
  let counted = 0;
  for await (const frames of batches) {
    for (const frame of frames) counted += frame.length > 0 ? 1 : 0;
  }
  return counted;
}

function countPushed(framing: Framing<Frame>, chunks: Uint8Array[]): number {
  let counted = 0;
  const decoder = framing.decoder();
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let frame; (frame = decoder.next()) !== undefined;) counted += frame.length > 0 ? 1 : 0;
  }
  return counted;
}

function readTextLineStream(chunks: Uint8Array[]): Promise<number> {
  return count(
    ReadableStream.from(chunks).pipeThrough(new TextDecoderStream()).pipeThrough(textLineStream()),
  );
}

/** A transform in the manner of std's `TextLineStream`. */
function textLineStream(): TransformStream<string, string> {
  let rest = "";
  return new TransformStream({
    transform(chunk, controller): void {
      let text = rest + chunk;
      for (let newline; (newline = text.indexOf("\n")) !== -1;) {
        controller.enqueue(text.slice(0, text[newline - 1] === "\r" ? newline - 1 : newline));
        text = text.slice(newline + 1);
      }
      rest = text;
    },
    flush(controller): void {
      if (rest !== "") controller.enqueue(rest);
    },
  });
}

function readReadline(chunks: Uint8Array[]): Promise<number> {
  return count(createInterface({ input: Readable.from(chunks), crlfDelay: Infinity }));
}

function readEvents(chunks: Uint8Array[]): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  let counted = 0;
  createInterface({ input: Readable.from(chunks), crlfDelay: Infinity })
    .on("line", (line: string) => counted += line.length > 0 ? 1 : 0)
    .on("close", () => resolve(counted));
  return promise;
}

/** The rows as text, one line each. */
function table(rows: Row[]): string {
  const line = (name: string, ...cells: string[]): string =>
    name.padEnd(40) + cells.map((cell) => cell.padStart(12)).join("");
  return [
    line("", "MB/s", "frames/s", "ratio"),
    ...rows.map(({ name, mbPerSecond, framesPerSecond, ratio }) =>
      line(name, mbPerSecond.toFixed(0), framesPerSecond.toFixed(0), ratio.toFixed(2))
    ),
  ].join("\n");
}

if (import.meta.main) {
  // deno-lint-ignore no-console
  console.log(table(await run({ seconds: Number(Deno.args[0] ?? 10) })));
}
