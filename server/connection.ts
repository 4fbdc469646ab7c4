/**
 * One connection: what a handler reads from, writes to, and is told about.
 *
 * @module
 */
import { type CloseReason, ConnectionClosedError, isPeerGone } from "./errors.ts";
import { indexOfBytes } from "./framing/_byte_search.ts";
import { FrameTooLargeError } from "./framing/errors.ts";
import { lines, type LinesOptions } from "./framing/lines.ts";
import { ignore, Inbound } from "./_inbound.ts";
import type { ConnectionInfo } from "./observer.ts";
import { Outbound } from "./_outbound.ts";
import type { Transport } from "./_transport.ts";
import { Watchdog } from "./_watchdog.ts";

/** What a single read can be told. */
export interface ReadOptions {
  /** Ends the wait with the signal's reason. No byte is lost: the next read goes on. */
  signal?: AbortSignal;
}

/** What `readUntil` and `readLine` can be told. */
export interface ReadUntilOptions extends ReadOptions {
  /**
   * The most bytes before the delimiter.
   *
   * @default {65_536}
   */
  limit?: number;
}

/** What `sendAll` can be told. */
export interface SendOptions {
  /** Gives up. How much was sent is then unknown, so the connection is closed. */
  signal?: AbortSignal;
}

/** The limits of one connection; their meaning stands in `StreamServerOptions`. */
export interface ConnectionOptions {
  /** What the server calls it. */
  id?: number;
  /** In milliseconds. */
  readTimeout?: number;
  /** In milliseconds. */
  writeTimeout?: number;
  /** In milliseconds. */
  idleTimeout?: number;
  /** In milliseconds. */
  maxLifetime?: number;
}

/** A raw connection and what had been read from it, as {@linkcode Connection.detach} hands them out. */
export interface Detached {
  /** The connection that the kit stood on. It is the caller's now, to close too. */
  conn: Deno.Conn;
  /** Bytes that came before it was detached and nobody has read. */
  rest: Uint8Array<ArrayBuffer>;
}

/** Reads beyond this are collected outside the connection's buffer. */
const LARGE_READ = 65_536;
const DEFAULT_LIMIT = 65_536;
/** How long a close goes on discarding what the peer still sends, in milliseconds; Go's `net/http` waits as long. */
const LINGER = 500;

/** What a server may do to a connection and its handler may not. Not exported by `mod.ts`. */
export interface ConnectionControl {
  /** Closes it for `reason`. */
  end(conn: Connection, reason: CloseReason): void;
  /** Aborts its signal and lets iteration end. */
  drain(conn: Connection): void;
  /** Waits until it can be closed without a reset, half a second at most. */
  linger(conn: Connection): Promise<void>;
  /** Whether `error` is one that this connection has thrown last, and so says something about its peer. */
  raised(conn: Connection, error: unknown): boolean;
  /** Why it was closed on this side, if it was. */
  reason(conn: Connection): CloseReason | undefined;
  /** Calls `cut` when it is closed by anything but its handler. */
  onCut(conn: Connection, cut: (error: ConnectionClosedError) => void): void;
}

/** See {@linkcode ConnectionControl}. */
export let control: ConnectionControl;

/**
 * A two-way stream of bytes to one peer, TCP, TLS or Unix alike.
 *
 * What it promises:
 *
 * - Chunks handed out belong to the handler: never overwritten, and in memory that no other connection shares.
 * - A read that timed out or was aborted loses no byte: the next one continues.
 * - `sendAll` sends everything or throws; several at once go out whole, in the order of the calls.
 * - A failure of a call that nobody awaits does not end the process: the next call throws it again.
 * - Closing it twice, or after the peer did, is harmless. The server closes it when its handler has returned.
 *
 * It implements `Deno.Conn` and goes wherever one is expected; {@linkcode Connection.detach} serves functions such as
 * `Deno.startTls` that take no other than Deno's own.
 *
 * @typeParam T the type of {@linkcode Connection.data}
 *
 * @example A handler that echoes
 * ```ts
 * import { connect, serve } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * await using group = await serve({ listen: "tcp://127.0.0.1:0" }, async (conn) => {
 *   for await (const chunk of conn) await conn.sendAll(chunk);
 * });
 * using conn = await connect(group.addr);
 * await conn.sendAll("hello\n");
 * assertEquals(await conn.readLine(), "hello");
 * ```
 */
export class Connection<T = unknown> implements Deno.Conn, ConnectionInfo {
  /** What the server calls this connection: counts up from 1. */
  readonly id: number;
  /** The handler's own: whatever it wants to remember with the connection. */
  data!: T;
  readonly #transport: Transport;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  readonly #openedAt = performance.now();
  #reason: CloseReason | undefined;
  #detached = false;
  #draining = false;
  #controller: AbortController | undefined;
  #idle: Watchdog | undefined;
  #lifetime: ReturnType<typeof setTimeout> | undefined;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array<ArrayBufferLike>> | undefined;
  #cut: ((error: ConnectionClosedError) => void) | undefined;

  /** A connection over `transport`. Servers and `connect` make them; nothing is read before somebody asks. */
  constructor(transport: Transport, options: ConnectionOptions = {}) {
    this.id = options.id ?? 0;
    this.#transport = transport;
    this.#inbound = new Inbound(transport);
    this.#outbound = new Outbound(transport, this.#cutOff);
    if (options.readTimeout !== undefined) this.readTimeout = options.readTimeout;
    if (options.writeTimeout !== undefined) this.writeTimeout = options.writeTimeout;
    if (options.idleTimeout !== undefined) this.idleTimeout = options.idleTimeout;
    if (options.maxLifetime !== undefined) {
      this.#lifetime = setTimeout(() => this.#end("lifetime"), options.maxLifetime);
    }
  }

  /** The peer's address. A Unix peer that has no name has `path: null`. */
  get remoteAddr(): Deno.Addr {
    return this.#transport.remoteAddr;
  }

  /** This side's address. */
  get localAddr(): Deno.Addr {
    return this.#transport.localAddr;
  }

  /** Milliseconds since it was opened. */
  get age(): number {
    return performance.now() - this.#openedAt;
  }

  /** Bytes that came in, read by the handler or not. */
  get bytesIn(): number {
    return this.#inbound.total;
  }

  /** Bytes that the kernel has taken. */
  get bytesOut(): number {
    return this.#outbound.total;
  }

  /** Whether this side has closed it. */
  get closed(): boolean {
    return this.#reason !== undefined;
  }

  /**
   * Aborts when the server begins to drain or the connection ends: what a handler passes on to whatever it waits for
   * besides the connection. Made when it is first asked for.
   */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#draining || this.#reason) this.#abort();
    }
    return this.#controller.signal;
  }

  /** The longest wait for bytes, in milliseconds; `undefined` waits as long as it takes. Only incoming bytes count. */
  get readTimeout(): number | undefined {
    return this.#inbound.timeout;
  }

  set readTimeout(ms: number | undefined) {
    this.#inbound.timeout = ms;
  }

  /** The longest wait for the peer to take a byte, in milliseconds; after that the connection is closed. */
  get writeTimeout(): number | undefined {
    return this.#outbound.timeout;
  }

  set writeTimeout(ms: number | undefined) {
    this.#outbound.timeout = ms;
  }

  /** How long no byte may go either way, in milliseconds; after that the connection is closed. */
  get idleTimeout(): number | undefined {
    return this.#idle?.limit;
  }

  set idleTimeout(ms: number | undefined) {
    this.#idle?.close();
    this.#idle = ms === undefined || this.#reason ? undefined : new Watchdog(ms, () => this.#end("idle"));
    this.#idle?.start();
    this.#inbound.activity = this.#outbound.activity = this.#idle;
  }

  /**
   * The bytes that are there, or the next that come.
   *
   * Abort and time-out end the wait and lose nothing; a close on this side rejects with `ConnectionClosedError`. A
   * draining server leaves it waiting: it ends iteration only.
   *
   * @returns at least one byte, or `null` when the peer has sent its end
   * @throws {Deno.errors.TimedOut} after `readTimeout` milliseconds without a byte
   * @throws {Deno.errors.ConnectionReset} when the peer has reset the connection
   * @throws {Deno.errors.Busy} if another read is waiting
   */
  recv(options?: ReadOptions): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#inbound.buffer.length > 0
      ? Promise.resolve(this.#inbound.buffer.take())
      : this.#inbound.wait(this.#takeChunk, options?.signal);
  }

  #takeChunk = (): Uint8Array<ArrayBuffer> | null =>
    this.#inbound.buffer.length > 0 ? this.#inbound.buffer.take() : null;

  /**
   * `Deno.Conn`'s way to read: copies at most `p.length` bytes into `p`. The buffer is filled when the call resolves and
   * never afterwards, so a call that was given up leaves it alone.
   *
   * @returns how many bytes, or `null` at the end
   */
  read(p: Uint8Array, options?: ReadOptions): Promise<number | null> {
    const { buffer } = this.#inbound;
    if (p.length === 0) return Promise.resolve(0);
    if (buffer.length > 0) return Promise.resolve(buffer.copyInto(p));
    return this.#inbound.wait(() => buffer.length > 0 ? buffer.copyInto(p) : null, options?.signal);
  }

  /**
   * Exactly `n` bytes, however many packets they come in.
   *
   * Abort and time-out lose nothing: what had come is there for the next read.
   *
   * @throws {Deno.errors.UnexpectedEof} if the end comes first; what had come can still be read
   */
  async readExactly(n: number, options?: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
    if (!Number.isInteger(n) || n < 0) {
      throw new RangeError(`Cannot read exactly ${n} bytes: expected a whole number from 0`);
    }
    const { buffer } = this.#inbound;
    if (n > LARGE_READ) return await this.#readLarge(n, options);
    while (buffer.length < n) {
      if (!(await this.#fill(options?.signal))) throw this.#inbound.raise(endedEarly(buffer.length, n));
    }
    return buffer.take(n);
  }

  /** Copies as bytes come, so that the buffer need not grow to `n`; puts them back if the rest does not come. */
  async #readLarge(n: number, options?: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
    const { buffer } = this.#inbound;
    const bytes = new Uint8Array(n);
    let filled = 0;
    try {
      for (;;) {
        filled += buffer.copyInto(bytes.subarray(filled));
        if (filled === n) return bytes;
        if (!(await this.#fill(options?.signal))) throw this.#inbound.raise(endedEarly(filled, n));
      }
    } catch (error) {
      buffer.unread(bytes.subarray(0, filled));
      throw error;
    }
  }

  /**
   * Bytes up to and including `delimiter`.
   *
   * Abort and time-out lose nothing.
   *
   * @param delimiter one or more bytes; text stands for its UTF-8
   * @returns the bytes with the delimiter, or `null` when the end has come and nothing was left
   * @throws {FrameTooLargeError} when more than `limit` bytes come without the delimiter; they stay unread
   * @throws {Deno.errors.UnexpectedEof} if the end comes first; what had come can still be read
   */
  async readUntil(
    delimiter: Uint8Array | string,
    options: ReadUntilOptions = {},
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    const mark = typeof delimiter === "string" ? new TextEncoder().encode(delimiter) : delimiter;
    if (mark.length === 0) throw new RangeError("Cannot read until a delimiter of no bytes");
    const end = await this.#find(mark, options);
    const { buffer } = this.#inbound;
    if (end !== undefined) return buffer.take(end);
    if (buffer.length === 0) return null;
    throw this.#inbound.raise(
      new Deno.errors.UnexpectedEof(
        `the peer has sent its end after ${buffer.length} bytes of an unfinished part`,
      ),
    );
  }

  /**
   * The next line, without its end (`\n` or `\r\n`), read as UTF-8; at the end of the stream also one that has no end.
   *
   * Abort and time-out lose nothing.
   *
   * @returns the line, or `null` when the end has come
   * @throws {FrameTooLargeError} when a line is longer than `limit` bytes; it stays unread
   */
  async readLine(options: ReadUntilOptions = {}): Promise<string | null> {
    const { buffer } = this.#inbound;
    const end = await this.#find(NEWLINE, options);
    if (end === undefined && buffer.length === 0) return null;
    const line = buffer.take(end ?? buffer.length);
    return decoder.decode(line).replace(/\r?\n$/, "");
  }

  /** Where the first `mark` in the buffer ends, waiting for it to come; `undefined` if the end comes first. */
  async #find(
    mark: Uint8Array,
    { limit = DEFAULT_LIMIT, signal }: ReadUntilOptions,
  ): Promise<number | undefined> {
    const { buffer } = this.#inbound;
    for (let from = 0;;) {
      const view = buffer.view();
      const at = indexOfBytes(view, mark, from);
      if (at > limit || (at < 0 && view.length >= limit + mark.length)) {
        throw new FrameTooLargeError(at < 0 ? limit + 1 : at, limit);
      }
      if (at >= 0) return at + mark.length;
      from = Math.max(0, view.length - mark.length + 1); // the mark may be split over chunks
      if (!(await this.#fill(signal))) return undefined;
    }
  }

  /**
   * A look at what comes next, which stays to be read: to tell protocols apart by their first bytes, say.
   *
   * Abort and time-out lose nothing.
   *
   * @param atLeast wait until this many bytes are there (at most 65 536)
   * @returns a copy of all that is there: at least as many bytes unless the end came first; `null` at the end
   */
  async peek(atLeast: number = 1, options?: ReadOptions): Promise<Uint8Array<ArrayBuffer> | null> {
    if (!(atLeast >= 1 && atLeast <= LARGE_READ)) {
      throw new RangeError(`Cannot peek at ${atLeast} bytes: expected 1 to ${LARGE_READ}`);
    }
    const { buffer } = this.#inbound;
    while (buffer.length < atLeast && await this.#fill(options?.signal));
    return buffer.length > 0 ? buffer.view().slice() : null;
  }

  /** Puts bytes back, to be read next. They are copied. */
  unread(bytes: Uint8Array): void {
    this.#inbound.buffer.unread(bytes);
  }

  /** Waits for more bytes than there are; `false` at the end. */
  async #fill(signal?: AbortSignal): Promise<boolean> {
    const { buffer } = this.#inbound;
    const before = buffer.length;
    await this.#inbound.wait(ignore, signal);
    return buffer.length > before;
  }

  /**
   * The lines that come, as text without their ends. A draining server ends it between lines; leaving it early closes
   * nothing, and what was read ahead is there for the next read.
   *
   * @throws {FrameTooLargeError} (from the iterator) when a line is longer than `limit` bytes
   */
  lines(options?: LinesOptions): AsyncIterableIterator<string> {
    return lines(options).decode(this);
  }

  /**
   * The chunks that come, as {@linkcode Connection.recv} gives them. A draining server ends it when the buffer is empty;
   * leaving it early closes nothing.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array<ArrayBuffer>> {
    return new ChunkIterator(this.#inbound);
  }

  /** The same as a stream. Its end does not close the connection, and cancelling it does not either: it stops reading. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= new ReadableStream({
      type: "bytes",
      pull: async (controller) => {
        const chunk = await this.recv();
        if (chunk) return controller.enqueue(chunk.slice()); // a byte stream detaches what it is given
        controller.close();
        controller.byobRequest?.respond(0);
      },
    }, { highWaterMark: 0 }) as ReadableStream<Uint8Array<ArrayBuffer>>;
  }

  /** Sending as a stream: closing it closes the writing half, aborting it closes the connection. */
  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    return this.#writable ??= new WritableStream({
      write: (chunk) => this.sendAll(chunk),
      close: () => this.closeWrite(),
      abort: () => this.close(),
    });
  }

  /**
   * Sends everything, or throws. Resolves when the kernel has taken the last byte; until then `data` must stay as it is.
   *
   * Abort closes the connection, as nobody can know how much was sent; so does `writeTimeout`. A close on this side
   * rejects with `ConnectionClosedError`.
   *
   * @param data bytes; text is sent as UTF-8
   * @throws {Deno.errors.BrokenPipe} when the peer is gone
   * @throws {Deno.errors.TimedOut} when the peer took no byte for `writeTimeout` milliseconds
   */
  sendAll(data: Uint8Array | string, options?: SendOptions): Promise<void> {
    if (typeof data === "string") data = encoder.encode(data);
    return this.#outbound.write(data, options?.signal);
  }

  /**
   * Queues what fits and returns at once, as `send(2)` on a non-blocking socket: copies at most as many bytes as are free
   * in a queue of 64 KiB.
   *
   * @returns how many bytes were taken; 0 when the queue is full (or a `sendAll` waits for its turn)
   * @throws what an earlier write has met with
   */
  send(p: Uint8Array): number {
    return this.#outbound.push(p);
  }

  /** `Deno.Conn`'s way to write. Writes all of `p`. */
  async write(p: Uint8Array): Promise<number> {
    await this.#outbound.write(p);
    return p.length;
  }

  /** Resolves when everything that was handed over before the call is with the kernel. */
  flush(): Promise<void> {
    return this.#outbound.flush();
  }

  /** Ends the writing half after everything that was queued: the peer reads the end, and may go on sending. */
  async closeWrite(): Promise<void> {
    try {
      await this.#outbound.end();
    } catch (error) {
      if (!isPeerGone(error)) throw error; // it has ended on that side already
    }
  }

  /** Closes both halves now. What is queued is dropped; pending calls reject with `ConnectionClosedError`. */
  close(): void {
    this.#end("closed");
  }

  /** Closes it at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Hands out the raw connection, for functions that take no other (`Deno.startTls`), and what was read ahead. From here
   * on this object is closed, no limit holds, and closing is the caller's.
   *
   * @throws {Deno.errors.Busy} if a read is under way (also one whose wait has ended): it would take bytes along
   * @throws {TypeError} if there is no `Deno.Conn` beneath (TLS over the kit's engine)
   */
  detach(): Detached {
    if (!isDenoConn(this.#transport)) throw new TypeError("Cannot detach: there is no Deno.Conn beneath");
    if (this.#inbound.reading || !this.#outbound.idle) {
      throw new Deno.errors.Busy("cannot detach while a read or write is under way");
    }
    const rest = this.#inbound.buffer.view().slice();
    this.#detached = true;
    this.#end("closed");
    return { conn: this.#transport, rest };
  }

  /** Sends small writes at once, or collects them (Nagle's algorithm). TCP and TLS only; elsewhere nothing happens. */
  setNoDelay(noDelay: boolean = true): void {
    this.#transport.setNoDelay?.(noDelay);
  }

  /** Lets the kernel ask a silent peer whether it is still there. TCP and TLS only; elsewhere nothing happens. */
  setKeepAlive(keepAlive: boolean = true): void {
    this.#transport.setKeepAlive?.(keepAlive);
  }

  /** Lets pending calls keep the process alive (the default). */
  ref(): void {
    this.#transport.ref?.();
  }

  /** Lets the process end in spite of pending calls. */
  unref(): void {
    this.#transport.unref?.();
  }

  #cutOff = (error: unknown): void => {
    this.#outbound.fail(error);
    this.#end("write-timeout");
  };

  #end(reason: CloseReason): void {
    if (this.#reason) return;
    this.#reason = reason;
    clearTimeout(this.#lifetime);
    this.#idle?.close();
    const error = new ConnectionClosedError(reason);
    this.#inbound.fail(error);
    this.#outbound.fail(error);
    if (!this.#detached) this.#closeTransport();
    this.#abort();
    if (reason !== "closed") this.#cut?.(error);
  }

  #closeTransport(): void {
    try {
      this.#transport.close();
    } catch {
      // the descriptor is free already: there is nothing left to close
    }
  }

  #abort(): void {
    this.#controller?.abort(this.#reason ? new ConnectionClosedError(this.#reason) : new Draining());
  }

  #drain(): void {
    this.#draining = true;
    this.#inbound.drain();
    this.#abort();
  }

  /**
   * Says goodbye: closing over bytes that nobody has read resets the connection, and the peer may lose the end of the
   * answer. Where there are such bytes, it ends the writing half and reads them away, half a second at most.
   */
  async #linger(): Promise<void> {
    const { buffer } = this.#inbound;
    if (buffer.length === 0 && !(await this.#hasUnread())) return;
    const deadline = setTimeout(() => this.#end("done"), LINGER);
    try {
      await this.closeWrite();
      do buffer.clear(); while (await this.#fill());
    } catch {
      // the peer has reset the connection, or the time is over: there is nobody left to be polite to
    } finally {
      clearTimeout(deadline);
    }
  }

  /** Whether the kernel holds bytes for us. */
  async #hasUnread(): Promise<boolean> {
    if (this.#inbound.reading) return false; // it would have arrived
    const look = new AbortController();
    const timer = setTimeout(() => look.abort(), 0);
    try {
      await this.#inbound.wait(ignore, look.signal);
      return this.#inbound.buffer.length > 0;
    } catch {
      return false; // nothing came in a whole turn of the event loop
    } finally {
      clearTimeout(timer);
    }
  }

  static {
    control = {
      end: (conn, reason) => conn.#end(reason),
      drain: (conn) => conn.#drain(),
      linger: (conn) => conn.#reason || conn.#inbound.over ? DONE : conn.#linger(),
      reason: (conn) => conn.#reason,
      raised: (conn, error) => conn.#inbound.raised === error || conn.#outbound.raised === error,
      onCut: (conn, cut) => conn.#cut = cut,
    };
  }
}

/** The reason with which `conn.signal` aborts while its server drains. */
class Draining extends DOMException {
  constructor() {
    super("the server is draining", "AbortError");
  }
}

class ChunkIterator implements AsyncIterableIterator<Uint8Array<ArrayBuffer>> {
  readonly #inbound: Inbound;
  #left = false;

  constructor(inbound: Inbound) {
    this.#inbound = inbound;
  }

  next(): Promise<IteratorResult<Uint8Array<ArrayBuffer>>> {
    if (this.#left) return Promise.resolve(END);
    return this.#inbound.buffer.length > 0
      ? Promise.resolve(this.#take())
      : this.#inbound.wait(this.#take, undefined, true);
  }

  /** Leaving the loop reads no more; the connection stays open. */
  return(): Promise<IteratorResult<Uint8Array<ArrayBuffer>>> {
    this.#left = true;
    return Promise.resolve(END);
  }

  #take = (): IteratorResult<Uint8Array<ArrayBuffer>> => {
    const { buffer } = this.#inbound;
    return buffer.length > 0 ? { value: buffer.take(), done: false } : END;
  };

  [Symbol.asyncIterator](): this {
    return this;
  }
}

const END: IteratorReturnResult<undefined> = { value: undefined, done: true };
const DONE = Promise.resolve();
const NEWLINE = new Uint8Array([10]);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

function endedEarly(had: number, wanted: number): Error {
  return new Deno.errors.UnexpectedEof(`the peer has sent its end after ${had} of ${wanted} bytes`);
}

function isDenoConn(transport: Transport): transport is Deno.Conn {
  return "readable" in transport && "writable" in transport && "ref" in transport;
}
