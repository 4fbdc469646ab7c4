import { assertEquals, assertLessOrEqual, assertRejects, assertStrictEquals } from "@std/assert";
import {
  FrameError,
  FrameTooLargeError,
  lengthPrefixed,
  lines,
  netstrings,
} from "../../../server/framing/mod.ts";
import { bytes, text } from "./_inputs.ts";

Deno.test("stream() turns chunks into frames, the unterminated last one included", async () => {
  const frames = ReadableStream.from(["one\nt", "wo\nthree"].map(bytes)).pipeThrough(lines().stream());
  assertEquals(await Array.fromAsync(frames), ["one", "two", "three"]);
});

Deno.test("encoderStream() turns each frame into a chunk", async () => {
  const chunks = ReadableStream.from(["a", "b"].map(bytes)).pipeThrough(netstrings().encoderStream());
  assertEquals((await Array.fromAsync(chunks)).map(text), ["1:a,", "1:b,"]);
});

Deno.test("stream() delivers the frames in front of an error before the error", async () => {
  const received: string[] = [];
  const frames = ReadableStream.from([bytes("one\ntwo\nthree\n")]).pipeThrough(lines({ limit: 4 }).stream());
  await assertRejects(async () => {
    for await (const frame of frames) received.push(frame);
  }, FrameTooLargeError);
  assertEquals(received, ["one", "two"]);
});

Deno.test("stream() tells its writer what was wrong with the input", async () => {
  const { readable, writable } = lines({ limit: 4 }).stream();
  const writer = writable.getWriter();
  const reader = readable.getReader();
  const read = reader.read();
  await Promise.allSettled([writer.write(bytes("three")), read]);
  const error = await assertRejects(() => read, FrameTooLargeError);
  assertStrictEquals(await assertRejects(() => writer.write(bytes("\n"))), error);
  assertStrictEquals(await assertRejects(() => writer.closed), error);
});

Deno.test("stream() reports input that ends inside a frame", async () => {
  const frames = ReadableStream.from([bytes("\0\0")]).pipeThrough(lengthPrefixed().stream());
  await assertRejects(() => Array.fromAsync(frames), Deno.errors.UnexpectedEof);
});

Deno.test("cancelling the frames of stream() cancels its source, before the first read and after", async () => {
  for (const reads of [0, 1]) {
    const reasons: unknown[] = [];
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(bytes("one\ntwo\n")),
      cancel: (reason) => void reasons.push(reason),
    });
    const { readable, writable } = lines().stream();
    const piped = source.pipeTo(writable);
    const reader = readable.getReader();
    for (let i = 0; i < reads; i++) await reader.read();
    await reader.cancel("enough");
    assertEquals(await piped.catch((reason) => reason), "enough");
    assertEquals(reasons, ["enough"]);
  }
});

Deno.test("a source of stream() that fails ends the frames with its error", async () => {
  const failure = new Error("broken");
  const source = new ReadableStream<Uint8Array>({ start: (controller) => controller.error(failure) });
  const frames = source.pipeThrough(lines().stream());
  assertStrictEquals(await assertRejects(() => Array.fromAsync(frames)), failure);
});

Deno.test("stream() reads only a few chunks ahead of whoever takes the frames", async () => {
  let pulled = 0;
  const source = new ReadableStream<Uint8Array>({
    pull(controller): void {
      pulled++;
      controller.enqueue(bytes("one\ntwo\n"));
    },
  }, { highWaterMark: 0 });
  const reader = source.pipeThrough(lines().stream()).getReader();
  await reader.read();
  for (let i = 0; i < 1000; i++) await Promise.resolve();
  assertLessOrEqual(pulled, 3);
  await reader.cancel();
});

Deno.test("encoderStream() reports a frame that cannot be encoded", async () => {
  const chunks = ReadableStream.from(["fine", "not\nfine"]).pipeThrough(lines().encoderStream());
  const reader = chunks.getReader();
  assertEquals((await reader.read()).value, bytes("fine\n"));
  await assertRejects(() => reader.read(), FrameError);
});
