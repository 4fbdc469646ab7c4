import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  type ChunkSource,
  createFraming,
  FrameError,
  FrameTooLargeError,
  lengthPrefixed,
  lines,
} from "../../../server/framing/mod.ts";
import { bytes } from "./_inputs.ts";
import { ScriptedConnection } from "./_scripted_connection.ts";

/** Chunks out of a generator that notes how it ended. */
class NotedSource {
  readonly log: string[] = [];

  async *chunks(...chunks: string[]): AsyncGenerator<Uint8Array> {
    try {
      for (const chunk of chunks) {
        await Promise.resolve();
        yield bytes(chunk);
      }
      this.log.push("read to the end");
    } finally {
      this.log.push("ended");
    }
  }
}

Deno.test("decode() takes frames from each kind of source", async () => {
  const chunks = [bytes("one\nt"), bytes("wo\nthree")];
  const sources: ChunkSource[] = [
    chunks,
    new Set(chunks),
    new NotedSource().chunks("one\nt", "wo\nthree"),
    ReadableStream.from(chunks),
    new ScriptedConnection(...chunks).end(),
  ];
  for (const source of sources) {
    assertEquals(await Array.fromAsync(lines().decode(source)), ["one", "two", "three"]);
  }
});

Deno.test("batches() gives all frames that a chunk completes in one array, and no empty array", async () => {
  const chunks = ["one\ntwo\nth", "r", "ee\n", "", "four\nfive"].map(bytes);
  assertEquals(await Array.fromAsync(lines().batches(chunks)), [["one", "two"], ["three"], ["four"], [
    "five",
  ]]);
});

Deno.test("decode() touches no source before the first frame is asked for", () => {
  const connection = new ScriptedConnection();
  const noted = new NotedSource();
  lines().decode(connection);
  lines().decode(noted.chunks("a"));
  assertEquals([connection.log, noted.log], [[], []]);
});

Deno.test("leaving the loop gives the bytes that became no frame back to a connection and leaves it open", async () => {
  const connection = new ScriptedConnection(bytes("HEAD 4\n\0\0\0\x02hirest"));
  for await (const line of lines().decode(connection)) {
    assertEquals(line, "HEAD 4");
    break;
  }
  assertEquals(connection.log, ["next", "unread 10"]);
  for await (const frame of lengthPrefixed().decode(connection)) {
    assertEquals(frame, bytes("hi"));
    break;
  }
  assertEquals(await connection.recv(), bytes("rest"));
});

Deno.test("leaving the loop when nothing is left gives nothing back", async () => {
  const connection = new ScriptedConnection(bytes("one\n"));
  for await (const _ of lines().decode(connection)) break;
  assertEquals(connection.log, ["next"]);
});

Deno.test("leaving a loop over batches gives back what is behind the batch", async () => {
  const connection = new ScriptedConnection(bytes("one\ntwo\nthr"));
  for await (const batch of lines().batches(connection)) {
    assertEquals(batch, ["one", "two"]);
    break;
  }
  assertEquals(await connection.recv(), bytes("thr"));
});

Deno.test("throwing inside the loop gives back what is left as leaving it does", async () => {
  const connection = new ScriptedConnection(bytes("one\ntwo\n"));
  await assertRejects(async () => {
    for await (const _ of lines().decode(connection)) throw new RangeError("of the loop's own");
  }, RangeError);
  assertEquals(connection.log, ["next", "unread 4"]);
});

Deno.test("taking lines one loop each loses none, however they were packed", async () => {
  const connection = new ScriptedConnection(bytes("one\ntwo\nth"), bytes("ree\nfour"), bytes("\n"));
  const received: string[] = [];
  for (let i = 0; i < 4; i++) {
    for await (const line of lines().decode(connection)) {
      received.push(line);
      break;
    }
  }
  assertEquals(received, ["one", "two", "three", "four"]);
});

Deno.test("decode() waits by recv() inside a frame and by the iterator between two", async () => {
  const connection = new ScriptedConnection(bytes("on"), bytes("e\n"), bytes("two\nth"), bytes("ree\n"))
    .end();
  assertEquals(await Array.fromAsync(lines().decode(connection)), ["one", "two", "three"]);
  assertEquals(connection.log, ["next", "recv", "next", "recv", "next"]);
});

Deno.test("a draining server ends the loop over an idle connection between two frames", async () => {
  const connection = new ScriptedConnection(bytes("one\n"));
  connection.draining = true;
  assertEquals(await Array.fromAsync(lines().decode(connection)), ["one"]);
});

Deno.test("a draining server lets a half-received frame be completed", async () => {
  const connection = new ScriptedConnection(bytes("one\ntw"));
  connection.draining = true;
  const received = Array.fromAsync(lines().decode(connection));
  connection.receive(bytes("o\n"));
  assertEquals(await received, ["one", "two"]);
});

Deno.test("leaving the loop ends any other source", async () => {
  const noted = new NotedSource();
  for await (const _ of lines().decode(noted.chunks("one\ntwo\n", "three\n"))) break;
  assertEquals(noted.log, ["ended"]);

  const reasons: unknown[] = [];
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(bytes("one\ntwo\n")),
    cancel: (reason) => void reasons.push(reason),
  });
  for await (const _ of lines().decode(stream)) break;
  assertEquals([reasons.length, stream.locked], [1, false]);
});

Deno.test("reading to the end does not end a source that has ended", async () => {
  const noted = new NotedSource();
  await Array.fromAsync(lines().decode(noted.chunks("one\n")));
  assertEquals(noted.log, ["read to the end", "ended"]);
});

Deno.test("return() before the first next() ends the source too", async () => {
  let cancelled: unknown;
  const stream = new ReadableStream<Uint8Array>({ cancel: (reason) => void (cancelled = reason) });
  await lines().decode(stream).return?.("enough");
  assertEquals(cancelled, "enough");
});

Deno.test("an over-long frame ends the loop behind the frames before it, and the source with it", async () => {
  const noted = new NotedSource();
  const received: string[] = [];
  await assertRejects(async () => {
    for await (const line of lines({ limit: 4 }).decode(noted.chunks("one\ntwo\nthree\n", "four\n"))) {
      received.push(line);
    }
  }, FrameTooLargeError);
  assertEquals([received, noted.log], [["one", "two"], ["ended"]]);
});

Deno.test("an over-long frame goes back to a connection, whose handler may look at it", async () => {
  const connection = new ScriptedConnection(bytes("one\nthree\nfour\n"));
  await assertRejects(() => Array.fromAsync(lines({ limit: 4 }).decode(connection)), FrameTooLargeError);
  assertEquals(await connection.recv(), bytes("three\nfour\n"));
});

Deno.test("batches() delivers the frames in front of an error before the error", async () => {
  const batches = lines({ limit: 4 }).batches([bytes("one\ntwo\nthree\n")]);
  assertEquals(await batches.next(), { value: ["one", "two"], done: false });
  await assertRejects(() => batches.next(), FrameTooLargeError);
  assertEquals(await batches.next(), { value: undefined, done: true });
});

Deno.test("a read that failed inside a frame loses nothing, and the next loop goes on", async () => {
  const connection = new ScriptedConnection(bytes("one\ntw"), new Deno.errors.TimedOut("late"));
  const received: string[] = [];
  await assertRejects(async () => {
    for await (const line of lines().decode(connection)) received.push(line);
  }, Deno.errors.TimedOut);
  connection.receive(bytes("o\n"));
  for await (const line of lines().decode(connection.end())) received.push(line);
  assertEquals(received, ["one", "two"]);
});

Deno.test("a source that failed is not ended once more", async () => {
  const log: string[] = [];
  const failure = new Error("broken");
  const source: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.reject(failure),
      return: () => {
        log.push("return");
        return Promise.resolve({ value: undefined, done: true });
      },
    }),
  };
  assertStrictEquals(await assertRejects(() => Array.fromAsync(lines().decode(source))), failure);
  assertEquals(log, []);
});

Deno.test("input that ends inside a frame is an UnexpectedEof, and its bytes go back", async () => {
  const connection = new ScriptedConnection(bytes("\0\0\0\x02h")).end();
  await assertRejects(() => Array.fromAsync(lengthPrefixed().decode(connection)), Deno.errors.UnexpectedEof);
  assertEquals(await connection.recv(), bytes("\0\0\0\x02h"));
});

Deno.test("a source that yields no bytes is reported", async () => {
  const source = ["text"] as unknown as Uint8Array[];
  await assertRejects(() => Array.fromAsync(lines().decode(source)), TypeError, "must be a Uint8Array");
});

Deno.test("frames asked for at once come in order", async () => {
  const connection = new ScriptedConnection();
  const frames = lines().decode(connection);
  const asked = Array.from({ length: 4 }, () => frames.next());
  connection.receive(bytes("one\ntw"));
  connection.receive(bytes("o\nthree\n"));
  connection.end();
  const answers = await Promise.all(asked);
  assertEquals(answers.map(({ value }) => value), ["one", "two", "three", undefined]);
});

Deno.test("return() lets the next() before it finish, and gives back what that brought", async () => {
  const connection = new ScriptedConnection();
  const frames = lines().decode(connection);
  const next = frames.next();
  const left = frames.return?.();
  connection.receive(bytes("one\n"));
  assertEquals(await next, { value: undefined, done: true });
  assertEquals(await left, { value: undefined, done: true });
  assertEquals(await connection.recv(), bytes("one\n"));
  assertEquals(await frames.next(), { value: undefined, done: true });
});

Deno.test("return() ends a read that the source can end", async () => {
  const stuck = Promise.withResolvers<IteratorResult<Uint8Array>>();
  const source: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => stuck.promise,
      return: () => {
        stuck.resolve({ value: undefined, done: true });
        return Promise.resolve({ value: undefined, done: true });
      },
    }),
  };
  const frames = lines().decode(source);
  const next = frames.next();
  await frames.return?.();
  assertEquals(await next, { value: undefined, done: true });
});

Deno.test("an error on leaving does not hide the error that ended the loop", async () => {
  const source: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve({ value: bytes("x"), done: false }),
      return: () => Promise.reject(new Error("on leaving")),
    }),
  };
  await assertRejects(() => Array.fromAsync(lines({ limit: 1 }).decode(source)), FrameTooLargeError);
});

Deno.test("a framing's methods need no this", async () => {
  const { encode, decode, decoder } = lines();
  assertEquals(await Array.fromAsync(decode(["a", "b"].map((line) => encode(line)))), ["a", "b"]);
  assertEquals(decoder().next(), undefined);
});

Deno.test("createFraming() gives a codec of one's own all forms", async () => {
  const shouts = createFraming<string>({
    decoder: () => lines().decoder(),
    encode: (frame) => {
      if (frame === "") throw new FrameError("Cannot encode nothing");
      return lines().encode(frame.toUpperCase());
    },
  });
  const chunks = ReadableStream.from(["a", "b"]).pipeThrough(shouts.encoderStream());
  assertEquals(await Array.fromAsync(chunks.pipeThrough(shouts.stream())), ["A", "B"]);
  assertEquals(await Array.fromAsync(shouts.batches([shouts.encode("c")])), [["C"]]);
});
