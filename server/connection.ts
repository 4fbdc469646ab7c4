/**
 * One connection: what a handler reads from, writes to, and is told about.
 *
 * @module
 */
import { type CloseReason, ConnectionClosedError, isPeerGone } from "./errors.ts";
import { lines, type LinesOptions } from "./framing/lines.ts";
import { ChunkIterator, takeChunk } from "./_chunk_iterator.ts";
import { linger } from "./_goodbye.ts";
import { Failure } from "./_failure.ts";
import { type Holder, Inbound, optional } from "./_inbound.ts";
import type { ConnectionInfo } from "./observer.ts";
import { checkOptions } from "./options.ts";
import { type CutOff, Outbound } from "./_outbound.ts";
import {
  type CopyOptions,
  copyTo,
  peek,
  readExactly,
  readLine,
  type ReadOptions,
  readUntil,
  type ReadUntilOptions,
} from "./_reads.ts";
import { sendFile, type SendFileOptions } from "./_send_file.ts";
import { ConnectionReadiness, type SocketReadiness } from "./_readiness.ts";
import { readableOf, writableOf } from "./_streams.ts";
import { encodeText } from "./_text.ts";
import type { TlsInfo, Transport } from "./_transport.ts";
import { Watchdog } from "./_watchdog.ts";

export type { CopyOptions, ReadOptions, ReadUntilOptions } from "./_reads.ts";

/** What `sendAll` can be told. */
export interface SendOptions {
  /** Gives up. How much was sent is then unknown, so the connection is closed; all who send on it get the same reason. */
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

/** What a server may do to a connection and its handler may not. Not exported by `mod.ts`. */
export interface ConnectionControl {
  /** Closes it for `reason`. */
  end(conn: Connection, reason: CloseReason): void;
  /** Aborts its signal and lets iteration end. */
  drain(conn: Connection): void;
  /** Sends what nobody waits for; it must stay as it is. Throws what an earlier write has met with. */
  post(conn: Connection, bytes: Uint8Array): void;
  /** Holds what is sent back, until it is set back to go out together. */
  cork(conn: Connection, corked: boolean): void;
  /** Waits until everything has gone out, if something has not. */
  flush(conn: Connection): Promise<void> | undefined;
  /** Waits until it can be closed without a reset, half a second at most; `undefined` if it can be now. */
  linger(conn: Connection): Promise<void> | undefined;
  /** Whether `error` is one that this connection has thrown last, and so says something about its peer. */
  raised(conn: Connection, error: unknown): boolean;
  /** Why it was closed on this side, if it was. */
  reason(conn: Connection): CloseReason | undefined;
  /** What it stands on. */
  transport(conn: Connection): Transport;
  /** Counts bytes that went past it: another process has its socket. */
  credit(conn: Connection, bytesIn: number, bytesOut: number): void;
  /** How many bytes were handed over and are not with the kernel. */
  waiting(conn: Connection): number;
  /** Who holds bytes back until somebody is about to wait for its peer. */
  holders(conn: Connection): Set<Holder>;
  /** Calls `cut` when it is closed by anything but its handler. */
  onCut(conn: Connection, cut: (error: ConnectionClosedError) => void): void;
}

/** See {@linkcode ConnectionControl}. */
export let control: ConnectionControl;
let cutOff: CutOff;

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
  /** Made when something is to be sent: an idle connection need not hold it. */
  #lazyOutbound: Outbound | undefined;
  readonly #openedAt = performance.now();
  #reason: CloseReason | undefined;
  #failure: Failure | undefined;
  #detached = false;
  #draining = false;
  #controller: AbortController | undefined;
  #finished: PromiseWithResolvers<void> | undefined;
  #idle: Watchdog | undefined;
  #lifetime: ReturnType<typeof setTimeout> | undefined;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array<ArrayBufferLike>> | undefined;
  #cut: ((error: ConnectionClosedError) => void) | undefined;
  #readiness: ConnectionReadiness | undefined;
  #elsewhere: { bytesIn: number; bytesOut: number } | undefined;

  /** A connection over `transport`. Servers and `connect` make them; nothing is read before somebody asks. */
  constructor(transport: Transport, options: ConnectionOptions = {}) {
    this.id = options.id ?? 0;
    this.#transport = transport;
    this.#inbound = new Inbound(transport);
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

  /** What the TLS handshake has agreed on; `undefined` on a connection without TLS. */
  get tls(): TlsInfo | undefined {
    return this.#transport.tls;
  }

  /** Milliseconds since it was opened. */
  get age(): number {
    return performance.now() - this.#openedAt;
  }

  /** Bytes that came in, read by the handler or not. */
  get bytesIn(): number {
    return this.#inbound.total + (this.#elsewhere?.bytesIn ?? 0);
  }

  /** Bytes that the kernel has taken. */
  get bytesOut(): number {
    return (this.#lazyOutbound?.total ?? 0) + (this.#elsewhere?.bytesOut ?? 0);
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

  /**
   * Resolves when this side has closed it, for whatever reason: what frees something that lives as long as the connection.
   * Made when it is first asked for.
   */
  get finished(): Promise<void> {
    if (!this.#finished) {
      this.#finished = Promise.withResolvers();
      if (this.#reason) this.#finished.resolve();
    }
    return this.#finished.promise;
  }

  /** The longest wait for bytes, in milliseconds; `undefined` waits as long as it takes. Only incoming bytes count. */
  get readTimeout(): number | undefined {
    return this.#inbound.timeout;
  }

  set readTimeout(ms: number | undefined) {
    checkOptions({ readTimeout: ms });
    this.#inbound.timeout = ms;
  }

  /** The longest wait for the peer to take a byte, in milliseconds; after that the connection is closed. */
  get writeTimeout(): number | undefined {
    return this.#lazyOutbound?.timeout;
  }

  set writeTimeout(ms: number | undefined) {
    checkOptions({ writeTimeout: ms });
    if (ms !== undefined || this.#lazyOutbound) this.#outbound.timeout = ms;
  }

  /** How long no byte may go either way, in milliseconds; after that the connection is closed. */
  get idleTimeout(): number | undefined {
    return this.#idle?.limit;
  }

  set idleTimeout(ms: number | undefined) {
    checkOptions({ idleTimeout: ms });
    this.#idle?.close();
    this.#idle = ms === undefined || this.#reason ? undefined : new Watchdog(ms, () => this.#end("idle"));
    this.#idle?.start();
    this.#inbound.activity = this.#idle;
    if (this.#lazyOutbound) this.#lazyOutbound.activity = this.#idle;
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
    return this.#inbound.ready
      ? Promise.resolve(this.#inbound.buffer.take())
      : this.#inbound.wait(takeChunk, options?.signal);
  }

  /**
   * `Deno.Conn`'s way to read: copies at most `p.length` bytes into `p`. The buffer is filled when the call resolves and
   * never afterwards, so a call that was given up leaves it alone.
   *
   * @returns how many bytes, or `null` at the end
   */
  read(p: Uint8Array, options?: ReadOptions): Promise<number | null> {
    const { buffer } = this.#inbound;
    if (p.length === 0) return Promise.resolve(0);
    if (this.#inbound.ready) return Promise.resolve(buffer.copyInto(p));
    return this.#inbound.wait(() => buffer.length > 0 ? buffer.copyInto(p) : null, options?.signal);
  }

  /**
   * Exactly `n` bytes, however many packets they come in.
   *
   * Abort and time-out lose nothing: what had come is there for the next read.
   *
   * @throws {Deno.errors.UnexpectedEof} if the end comes first; what had come can still be read
   */
  readExactly(n: number, options?: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
    return optional(readExactly(this.#inbound, n, options));
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
  readUntil(
    delimiter: Uint8Array | string,
    options?: ReadUntilOptions,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    return optional(readUntil(this.#inbound, delimiter, options));
  }

  /**
   * The next line, as {@linkcode Connection.lines} gives it: without its end (`\n` or `\r\n`), read as UTF-8; at the end of
   * the stream also one that has no end.
   *
   * Abort and time-out lose nothing.
   *
   * @returns the line, or `null` when the end has come
   * @throws {FrameTooLargeError} when a line is longer than `limit` bytes; it stays unread
   */
  readLine(options?: ReadUntilOptions): Promise<string | null> {
    return optional(readLine(this.#inbound, options));
  }

  /**
   * A look at what comes next, which stays to be read: to tell protocols apart by their first bytes, say.
   *
   * Abort and time-out lose nothing.
   *
   * @param atLeast wait until this many bytes are there (at most 65 536)
   * @returns a copy of all that is there: at least as many bytes unless the end came first; `null` at the end
   */
  peek(atLeast: number = 1, options?: ReadOptions): Promise<Uint8Array<ArrayBuffer> | null> {
    return optional(peek(this.#inbound, atLeast, options));
  }

  /** Puts bytes back, to be read next (while `copyTo` lends a chunk: behind that chunk). They are copied. */
  unread(bytes: Uint8Array): void {
    this.#inbound.buffer.unread(bytes);
    this.#inbound.watcher?.();
  }

  /**
   * Hands every chunk that comes to `sink`, and waits for it, until the end has come: what moves bytes elsewhere, to a file
   * or another connection, in constant memory: one block, which grows to 128 KiB when bytes come fast, and to 1 MiB if
   * `count` says how many there will be. Go's `io.Copy`.
   *
   * A chunk is **lent**: good until what `sink` returns has settled, and overwritten afterwards. Until then the connection
   * reads no further, so that a slow sink slows the peer down.
   *
   * Abort and time-out end the wait for bytes and lose nothing; what `sink` throws ends it too, and that chunk can be read
   * again. A draining server leaves it waiting.
   *
   * @param sink takes a chunk of at least one byte
   * @returns how many bytes were copied: fewer than `count` if the end came first
   * @throws {RangeError} if `count` is no whole number from 0
   * @throws what `sink` throws, and what {@linkcode Connection.recv} throws
   *
   * @example To a file
   * ```ts
   * import { connect, serve } from "@switchboard/kit";
   * import { assertEquals } from "@std/assert";
   *
   * await using group = await serve({ listen: "tcp://127.0.0.1:0" }, (conn) => conn.sendAll("x".repeat(100_000)));
   * using conn = await connect(group.addr);
   * using file = await Deno.open(await Deno.makeTempFile(), { write: true });
   * const count = await conn.copyTo(async (chunk) => {
   *   for (let n = 0; n < chunk.length;) n += await file.write(chunk.subarray(n));
   * });
   * assertEquals([count, (await file.stat()).size], [100_000, 100_000]);
   * ```
   */
  copyTo(sink: (chunk: Uint8Array<ArrayBuffer>) => unknown, options?: CopyOptions): Promise<number> {
    return optional(copyTo(this.#inbound, sink, options));
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
    return this.#readable ??= readableOf(this);
  }

  /** Sending as a stream: closing it closes the writing half, aborting it closes the connection. */
  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    return this.#writable ??= writableOf(this);
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
    if (typeof data === "string") data = encodeText(data);
    return this.#outbound.write(data, options?.signal) as Promise<unknown> as Promise<void>; // the number that it resolves to is for `write`
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

  /** How many bytes {@linkcode Connection.send} would take now. */
  get sendRoom(): number {
    return this.#outbound.room;
  }

  /**
   * Sends a file, or a part of one, in pieces: a file of any size takes half a MiB of memory. What others send meanwhile
   * goes out behind it. Python's `socket.sendfile`.
   *
   * Abort and `writeTimeout` close the connection, as for {@linkcode Connection.sendAll}; abort rejects with the signal's
   * reason. After any other failure in the middle (the file ends early, cannot be read) the connection is open, the bytes
   * before are sent, and `onProgress` has told how many; an open file stands behind the last byte read.
   *
   * @param file its path, or an open file, which stays open
   * @param options which part of it, and whom to tell
   * @returns how many bytes were sent; without `count` as many as the file had when its end was reached
   * @throws {Deno.errors.NotFound} and what else opening a file throws, before anything is sent
   * @throws {Deno.errors.UnexpectedEof} if there are fewer than `count` bytes: nothing is sent if the file is short from
   * the beginning, and the message says how much was if it became so meanwhile
   *
   * @example A file, announced with its size
   * ```ts
   * import { connect, serve } from "@switchboard/kit";
   * import { assertEquals } from "@std/assert";
   *
   * const path = await Deno.makeTempFile();
   * await Deno.writeTextFile(path, "twelve bytes");
   *
   * await using group = await serve({ listen: "tcp://127.0.0.1:0" }, async (conn) => {
   *   const { size } = await Deno.stat(path);
   *   await conn.sendAll(`${size}\n`);
   *   await conn.sendFile(path, { count: size });
   * });
   * using conn = await connect(group.addr);
   * const size = Number(await conn.readLine());
   * const bytes = await conn.readExactly(size);
   * assertEquals(new TextDecoder().decode(bytes), "twelve bytes");
   * ```
   */
  sendFile(file: string | URL | Deno.FsFile, options: SendFileOptions = {}): Promise<number> {
    return optional(sendFile(this.#outbound, file, options));
  }

  /**
   * For a `Poller`: bytes, the end or a failure are ready to be read; room in the queue of {@linkcode Connection.send} (or
   * an error that it would throw) is ready to be written. Python's `fileno`.
   *
   * @returns the same object at every call
   */
  readiness(): SocketReadiness<Uint8Array<ArrayBuffer>> {
    return this.#readiness ??= new ConnectionReadiness(this.#inbound, this.#outbound);
  }

  /** `Deno.Conn`'s way to write. Writes all of `p`. */
  write(p: Uint8Array): Promise<number> {
    return this.#outbound.write(p);
  }

  /** Resolves when everything that was handed over before the call is with the kernel. */
  flush(): Promise<void> {
    return (this.#lazyOutbound?.flush() ?? DONE) as Promise<void>;
  }

  /** Ends the writing half after everything that was queued: the peer reads the end, and may go on sending. */
  closeWrite(): Promise<void> {
    return optional(this.#closeWrite());
  }

  async #closeWrite(): Promise<void> {
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
   * @throws {Deno.errors.Busy} if a read is under way (also one whose wait has ended): it would take bytes along; or a
   * write: wait for {@linkcode Connection.flush}, and call it again
   * @throws {TypeError} if there is no `Deno.Conn` beneath (TLS over the kit's engine)
   */
  detach(): Detached {
    if (!isDenoConn(this.#transport)) throw new TypeError("Cannot detach: there is no Deno.Conn beneath");
    this.#inbound.flushHolders(); // what they hold is not to be lost
    if (this.#inbound.reading || this.#lazyOutbound?.idle === false) {
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

  get #outbound(): Outbound {
    if (this.#lazyOutbound) return this.#lazyOutbound;
    const outbound = new Outbound(this.#transport, this as Connection, cutOff);
    outbound.activity = this.#idle;
    if (this.#failure) outbound.fail(this.#failure);
    return this.#lazyOutbound = outbound;
  }

  #end(reason: CloseReason): void {
    if (this.#reason) {
      // Its handler has closed it and may go on for ever: whoever ends it now need not wait for that.
      return this.#tellCut(reason);
    }
    this.#reason = reason;
    clearTimeout(this.#lifetime);
    this.#idle?.close();
    this.#failure = new Failure(() => new ConnectionClosedError(reason));
    this.#inbound.close(this.#failure);
    this.#lazyOutbound?.fail(this.#failure);
    if (!this.#detached) this.#closeTransport();
    this.#abort();
    this.#finished?.resolve();
    this.#tellCut(reason);
  }

  /** Closing by the handler, or after it, cuts nothing off. */
  #tellCut(reason: CloseReason): void {
    if (reason !== "closed" && reason !== "done") this.#cut?.(new ConnectionClosedError(reason));
  }

  /** A connection that is cut already is cut for who asks late, too. */
  #onCut(cut: (error: ConnectionClosedError) => void): void {
    this.#cut = cut;
    if (this.#reason && this.#reason !== "closed") cut(new ConnectionClosedError(this.#reason));
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

  static {
    control = {
      end: (conn, reason) => conn.#end(reason),
      drain: (conn) => conn.#drain(),
      linger: (conn) =>
        conn.#reason || conn.#inbound.over ? undefined : linger(conn, conn.#inbound, () => conn.#end("done")),
      post: (conn, bytes) => conn.#outbound.post(bytes),
      cork: (conn, corked) => conn.#outbound.corked = corked,
      flush: (conn) => conn.#lazyOutbound?.idle === false ? conn.flush() : undefined,
      reason: (conn) => conn.#reason,
      raised: (conn, error) =>
        conn.#inbound.hasRaised(error) || conn.#lazyOutbound?.hasRaised(error) === true,
      transport: (conn) => conn.#transport,
      credit: (conn, bytesIn, bytesOut) => conn.#elsewhere = { bytesIn, bytesOut },
      waiting: (conn) => conn.#lazyOutbound?.waiting ?? 0,
      holders: (conn) => conn.#inbound.holders ??= new Set(),
      onCut: (conn, cut) => conn.#onCut(cut),
    };
    cutOff = (conn, error, reason) => {
      conn.#lazyOutbound!.fail(Failure.of(error));
      conn.#end(reason);
    };
  }
}

/** The reason with which `conn.signal` aborts while its server drains. */
export class Draining extends DOMException {
  constructor() {
    super("the server is draining", "AbortError");
  }
}

const DONE = Promise.resolve();

function isDenoConn(transport: Transport): transport is Deno.Conn {
  return "readable" in transport && "writable" in transport && "ref" in transport;
}
