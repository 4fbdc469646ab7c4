/**
 * What a framing is: messages to bytes and back.
 *
 * @module
 */
import { BatchDecoder } from "./_batch_decoder.ts";
import { FrameIterator } from "./_frame_iterator.ts";

/**
 * Where chunks of bytes come from: an async iterable (a `ReadableStream` and a connection are some), an iterable, or
 * a {@linkcode ReceivingSource}.
 */
export type ChunkSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array> | ReceivingSource;

/**
 * A source that takes bytes back: the part of the kit's `Connection` that decoding needs.
 *
 * A loop over its frames can be left without losing a byte and without closing it, and be taken up again, or be
 * followed by another framing.
 */
export interface ReceivingSource {
  /**
   * Waits for the next chunk, also while the server drains. It is asked while part of a frame is held, so that a
   * request that was half received is completed.
   *
   * @returns The chunk, or `null` at the end of the input.
   */
  recv(): Promise<Uint8Array | null>;

  /**
   * Takes back bytes that became no frame; the next `recv` or iteration gives them out again.
   *
   * @param bytes The bytes, never empty.
   */
  unread(bytes: Uint8Array): void;

  /**
   * The chunks until the end of the input, or until the server drains and none is left. It is asked while no part
   * of a frame is held, so that an idle connection ends between two frames. The iterator's `return` is not called.
   *
   * @returns The iterator.
   */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array>;
}

/**
 * Cuts frames out of chunks that are pushed into it: the form for whoever is called with data, as a `Protocol` is.
 *
 * It makes these promises:
 *
 * - The frames are the same however the input was cut into chunks (CONTRACT C-48).
 * - A frame belongs to whoever takes it and is never written over. It may be a view of the chunk that it came in;
 *   to keep a small frame for long without keeping the chunk, keep a `slice()` of it.
 * - If every frame is taken before the next chunk is pushed, it holds at most one frame of the largest size and one
 *   chunk. An over-long frame is reported before it is buffered.
 * - Once it has thrown it stays failed: `push`, `next`, `drain` and `end` throw the same error again.
 *
 * @typeParam F A frame; never `undefined`.
 *
 * @example Frames from chunks
 * ```ts
 * import { lines } from "@switchboard/kit/framing";
 * import { assertEquals } from "@std/assert";
 *
 * const decoder = lines().decoder();
 * const bytes = (text: string) => new TextEncoder().encode(text);
 *
 * decoder.push(bytes("EHLO exam"));
 * assertEquals(decoder.next(), undefined);
 * decoder.push(bytes("ple.org\r\nQUIT\r\n"));
 * assertEquals(decoder.next(), "EHLO example.org");
 * assertEquals(decoder.next(), "QUIT");
 * assertEquals(decoder.next(), undefined);
 * ```
 *
 * @example Going on with raw bytes, as Twisted's `setRawMode` does
 * ```ts
 * import { lines } from "@switchboard/kit/framing";
 * import { assertEquals } from "@std/assert";
 *
 * const decoder = lines().decoder();
 * decoder.push(new TextEncoder().encode("DATA 3\nabc"));
 *
 * assertEquals(decoder.next(), "DATA 3");
 * assertEquals(decoder.rest(), new TextEncoder().encode("abc"));
 * assertEquals(decoder.buffered, 0);
 * ```
 */
export interface Decoder<F> {
  /** Bytes that were pushed and have become no frame yet. */
  readonly buffered: number;

  /**
   * Gives the decoder the next bytes. They are not copied and must not change any more.
   *
   * @param chunk The bytes, as many as there are.
   * @throws {TypeError} If the chunk is no `Uint8Array`.
   */
  push(chunk: Uint8Array): void;

  /**
   * Takes the next frame.
   *
   * @returns The frame, or `undefined` if no whole one is left.
   * @throws {FrameTooLargeError} If the next frame is over the limit.
   * @throws {FrameError} If the input is no frame.
   */
  next(): F | undefined;

  /**
   * Takes all whole frames. What is wrong behind the last of them is thrown by the next call.
   *
   * @returns The frames, none if no whole one is left.
   * @throws {FrameTooLargeError} If the next frame is over the limit.
   * @throws {FrameError} If the input is no frame.
   */
  drain(): F[];

  /**
   * Takes the next frame now that no more input comes. Call it until it answers `undefined`.
   *
   * @returns The frame, or `undefined` if nothing is left.
   * @throws {Deno.errors.UnexpectedEof} If the input ended inside a frame; `lines` takes what is left as a line.
   * @throws {FrameTooLargeError} If the next frame is over the limit.
   * @throws {FrameError} If the input is no frame.
   */
  end(): F | undefined;

  /**
   * Hands over the bytes that have become no frame, also of a decoder that failed: those of the frame at fault and
   * all behind it (CONTRACT C-50). Only a line that is not valid UTF-8 has been taken by then.
   *
   * @returns The bytes; the decoder has none any more.
   */
  rest(): Uint8Array;
}

/**
 * A framing's own two halves, from which {@linkcode createFraming} makes the rest.
 *
 * @typeParam F A frame.
 */
export interface Codec<F> {
  /**
   * Makes a decoder for one input.
   *
   * @returns The decoder.
   */
  decoder(): Decoder<F>;

  /**
   * Turns a frame into the bytes that decode to it.
   *
   * @param frame The frame.
   * @returns The bytes, which belong to the caller.
   * @throws {FrameTooLargeError} If the frame is over the limit.
   * @throws {FrameError} If the framing cannot carry the frame.
   */
  encode(frame: F): Uint8Array<ArrayBuffer>;
}

/**
 * Messages to bytes and back.
 *
 * TCP delivers bytes, not messages: what was sent in two writes may arrive in one read, and the other way round. A
 * framing says where a message ends. It holds no state of a connection and can be shared by all of them, and its
 * methods need no `this`.
 *
 * @typeParam F A frame: a message as the program sees it, without prefix or delimiter.
 *
 * @example A message that arrives in pieces
 * ```ts
 * import { lengthPrefixed } from "@switchboard/kit/framing";
 * import { assertEquals } from "@std/assert";
 *
 * const framing = lengthPrefixed({ prefix: 2 });
 * const sent = framing.encode(new Uint8Array([1, 2, 3]));
 *
 * const received: Uint8Array[] = [];
 * for await (const frame of framing.decode([sent.subarray(0, 3), sent.subarray(3)])) received.push(frame);
 * assertEquals(received, [new Uint8Array([1, 2, 3])]);
 * ```
 */
export interface Framing<F> extends Codec<F> {
  /**
   * Decodes a source frame by frame.
   *
   * Leaving the loop early gives the bytes that have become no frame back to a {@linkcode ReceivingSource}, which
   * stays open, and ends any other source by its iterator's `return`. So does an error, of the framing or of the
   * source: a read that timed out in the middle of a frame loses nothing.
   *
   * @param source Where the chunks come from.
   * @returns The frames. Asked for several at once, it answers in order.
   */
  decode(source: ChunkSource): AsyncIterableIterator<F>;

  /**
   * Decodes a source by the chunk: all frames that a chunk completes come in one array.
   *
   * It saves a promise for each frame, which costs several times what finding a short frame costs, and lets a server
   * answer everything that a client has pipelined with one write. What {@linkcode Framing.decode} says about
   * leaving the loop holds here; the frames of an array have been taken.
   *
   * @param source Where the chunks come from.
   * @returns The arrays, none of them empty.
   */
  batches(source: ChunkSource): AsyncIterableIterator<F[]>;

  /**
   * Makes a stream that turns chunks into frames, for `pipeThrough`. Frames in front of an error are delivered
   * before the error is.
   *
   * @returns The stream.
   */
  stream(): TransformStream<Uint8Array, F>;

  /**
   * Makes a stream that turns frames into chunks, one each, for `pipeThrough`.
   *
   * @returns The stream.
   */
  encoderStream(): TransformStream<F, Uint8Array>;
}

/**
 * Makes a framing out of a decoder and an encoder, for protocols whose framing is not among those of the kit.
 *
 * @typeParam F A frame.
 * @param codec The two halves.
 * @returns The framing.
 *
 * @example Numbers, one on each line
 * ```ts
 * import { createFraming, type Decoder, lines } from "@switchboard/kit/framing";
 * import { assertEquals } from "@std/assert";
 *
 * class NumberDecoder implements Decoder<number> {
 *   #lines = lines().decoder();
 *   get buffered() {
 *     return this.#lines.buffered;
 *   }
 *   push(chunk: Uint8Array) {
 *     this.#lines.push(chunk);
 *   }
 *   next() {
 *     const line = this.#lines.next();
 *     return line === undefined ? undefined : Number(line);
 *   }
 *   drain() {
 *     return this.#lines.drain().map(Number);
 *   }
 *   end() {
 *     const line = this.#lines.end();
 *     return line === undefined ? undefined : Number(line);
 *   }
 *   rest() {
 *     return this.#lines.rest();
 *   }
 * }
 *
 * const numbers = createFraming<number>({
 *   decoder: () => new NumberDecoder(),
 *   encode: (frame) => lines().encode(String(frame)),
 * });
 *
 * const decoded: number[] = [];
 * for await (const frame of numbers.decode([numbers.encode(1), numbers.encode(2.5)])) decoded.push(frame);
 * assertEquals(decoded, [1, 2.5]);
 * ```
 */
export function createFraming<F>(codec: Codec<F>): Framing<F> {
  const decoder = (): Decoder<F> => codec.decoder();
  const encode = (frame: F): Uint8Array<ArrayBuffer> => codec.encode(frame);
  const batches = (source: ChunkSource): AsyncIterableIterator<F[]> =>
    new FrameIterator(source, new BatchDecoder(decoder()));
  return {
    decoder,
    encode,
    batches,
    decode: (source) => new FrameIterator(source, decoder()),
    stream: () => frameStream(batches),
    encoderStream: () =>
      new TransformStream({ transform: (frame, controller) => controller.enqueue(encode(frame)) }),
  };
}

/**
 * Frames by way of the pull of a `ReadableStream`, which asks only when all frames of the last batch are gone: in a
 * `TransformStream`, an error would throw away the frames in front of it that nobody has read yet.
 */
function frameStream<F>(
  batches: (source: ChunkSource) => AsyncIterableIterator<F[]>,
): TransformStream<Uint8Array, F> {
  const input = new TransformStream<Uint8Array, Uint8Array>();
  const frames = batches(input.readable);
  const readable = new ReadableStream<F>({
    async pull(controller): Promise<void> {
      const { value, done } = await frames.next();
      if (done) controller.close();
      else for (const frame of value) controller.enqueue(frame);
    },
    async cancel(reason): Promise<void> {
      await frames.return?.(reason);
    },
  }, { highWaterMark: 0 });
  return { readable, writable: input.writable };
}
