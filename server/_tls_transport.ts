/**
 * TLS over a connection of our own, by `node:tls`.
 *
 * Deno's own TLS cannot give a handshake up: its socket lives on until the peer leaves. Here the socket is ours, and
 * closing it is all it takes.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { ignore } from "./_inbound.ts";
import type { TlsSide } from "./_tls_side.ts";
import type { TlsInfo, Transport } from "./_transport.ts";

/** The most bytes that one write takes: a record's worth. Taking more would queue them, not send them sooner. */
const LARGEST_WRITE = 16_384;
/** The first buffer for encrypted bytes: most messages, with 22 to 40 bytes of TLS around them. */
const SMALLEST_READ = 1_024;
/** The buffer for encrypted bytes of a connection whose reads come back full. */
const LARGEST_READ = 65_536;

type Done = (error?: Error | null) => void;

/**
 * A `Transport` of plain bytes over a connection of encrypted ones.
 *
 * What it promises beyond what `node:tls` does by itself:
 *
 * - Nothing is read from the peer except for a `read` or the handshake, so a handler that does not read holds its peer
 *   back. (A `TLSSocket` over a stream goes on reading into memory when it is paused.)
 * - A write resolves when the kernel has taken all its bytes in encrypted form, and rejects when it has not. (A
 *   `TLSSocket` over a stream calls it done when the stream failed.)
 * - Errors are Deno's: `ConnectionReset` and `BrokenPipe` as the connection throws them, `InvalidData` for what is not
 *   TLS, `UnexpectedEof` for an end that no `close_notify` announced: anybody on the way may have cut off the rest (RFC
 *   8446, section 6.1).
 * - `close` asks nothing of the peer: the descriptor is free within the turn of the event loop, whatever is pending.
 */
export class TlsTransport implements Transport {
  readonly #conn: Deno.TcpConn;
  readonly #side: TlsSide;
  #socket: TLSSocket | undefined;
  #wire: Duplex | undefined;
  #info: TlsInfo | undefined;
  #handshake: PromiseWithResolvers<void> | undefined;

  #buffer: Uint8Array<ArrayBuffer> = NO_BYTES;
  #fetching = false;
  #plain: Uint8Array[] = [];
  #read: PromiseWithResolvers<number | null> | undefined;
  #readInto: Uint8Array = NO_BYTES;
  #peerEnded = false;
  #truncation: ReturnType<typeof setTimeout> | undefined;
  #readFailure: { error: unknown } | undefined;

  #encrypted: Uint8Array | undefined;
  #encryptedSent: Done = ignore;
  #write: PromiseWithResolvers<number> | undefined;
  #writeLength = 0;
  #farewell: PromiseWithResolvers<void> | undefined;
  #writeFailure: { error: unknown } | undefined;
  #closed = false;
  #lastChance: ReturnType<typeof setTimeout> | undefined;

  /** TLS over `conn`, which is the transport's from now on. Nothing happens before the handshake. */
  constructor(conn: Deno.TcpConn, side: TlsSide) {
    this.#conn = conn;
    this.#side = side;
  }

  /** What the handshake has agreed on. */
  get tls(): TlsInfo | undefined {
    return this.#info;
  }

  get localAddr(): Deno.Addr {
    return this.#conn.localAddr;
  }

  get remoteAddr(): Deno.Addr {
    return this.#conn.remoteAddr;
  }

  setNoDelay(noDelay?: boolean): void {
    this.#conn.setNoDelay(noDelay);
  }

  setKeepAlive(keepAlive?: boolean): void {
    this.#conn.setKeepAlive(keepAlive);
  }

  ref(): void {
    this.#conn.ref();
  }

  unref(): void {
    this.#conn.unref();
  }

  // --- The handshake ------------------------------------------------------------------------------------------------

  /**
   * Waits for the peer's part of the handshake, for as long as it takes; `close` ends the wait. A read or write before it
   * begins it.
   */
  handshake(): Promise<void> {
    if (!this.#handshake) this.#start();
    return this.#handshake!.promise;
  }

  #start(): void {
    this.#handshake = Promise.withResolvers();
    this.#handshake.promise.catch(ignore); // told by the read or write that began it, too
    if (this.#closed) return this.#handshake.reject(this.#readFailure!.error);
    this.#wire = makeWire(this.#send);
    this.#socket = this.#side.open(this.#wire);
    this.#socket.once(this.#side.secured, this.#secured);
    this.#socket.on("data", this.#arrived);
    this.#socket.once("end", this.#endArrived);
    this.#socket.on("error", this.#tlsFailed);
    // After the handshake, `node:tls` tells of protocol errors through this event alone, as its own server expects.
    this.#socket.on("_tlsError", this.#tlsFailed);
    this.#fetchSoon();
  }

  /** `node:tls` begins in the next tick, and throws there (Deno 2.9) if what came before it has ended the socket. */
  #fetchSoon(): void {
    this.#fetching = true;
    process.nextTick(() => {
      this.#fetching = false;
      if (!this.#closed) this.#fetch();
    });
  }

  #secured = (): void => {
    const socket = this.#socket!;
    this.#info = {
      alpnProtocol: socket.alpnProtocol || undefined,
      serverName: (socket as { servername?: string | false | null }).servername || undefined,
      protocol: socket.getProtocol() ?? undefined,
      cipher: socket.getCipher()?.standardName,
    };
    this.#handshake!.resolve();
  };

  /** What the peer sent is no TLS, or not the TLS that this side speaks. */
  #tlsFailed = (cause: Error): void => {
    const what = this.#info ? "the peer has broken the TLS protocol" : "the TLS handshake failed";
    this.#fail(new Deno.errors.InvalidData(`${what}: ${cause.message}`, { cause }));
  };

  // --- Reading ------------------------------------------------------------------------------------------------------

  read(p: Uint8Array): Promise<number | null> {
    if (this.#plain.length > 0) return Promise.resolve(this.#take(p));
    if (this.#peerEnded) return Promise.resolve(null);
    if (this.#readFailure) return Promise.reject(this.#readFailure.error);
    if (!this.#socket) this.#start();
    this.#read = Promise.withResolvers();
    this.#readInto = p;
    this.#fetch();
    return this.#read.promise;
  }

  /** Copies what has been decrypted and was too much for an earlier read. */
  #take(p: Uint8Array): number {
    const chunk = this.#plain[0];
    const n = Math.min(p.length, chunk.length);
    p.set(chunk.subarray(0, n));
    if (n < chunk.length) this.#plain[0] = chunk.subarray(n);
    else this.#plain.shift();
    return n;
  }

  /** Gets encrypted bytes from the peer: one read at a time, and only while somebody waits for what comes of it. */
  #fetch(): void {
    if (this.#fetching) return;
    this.#fetching = true;
    if (this.#buffer.length === 0) this.#buffer = new Uint8Array(SMALLEST_READ);
    this.#conn.read(this.#buffer).then(this.#fetched, this.#fetchFailed);
  }

  #fetched = (n: number | null): void => {
    this.#fetching = false;
    if (n === null) return this.#wireEnded();
    this.#wire!.emit("data", this.#buffer.subarray(0, n)); // copied and decrypted before this returns
    this.#resize(n);
    if (this.#read || !this.#info && !this.#readFailure) this.#fetch();
  };

  #fetchFailed = (error: unknown): void => {
    this.#fetching = false;
    this.#failRead(error);
  };

  /** Large reads get a large buffer; an idle connection holds a small one. */
  #resize(n: number): void {
    const { length } = this.#buffer;
    if (n === length && length < LARGEST_READ) this.#buffer = new Uint8Array(length * 4);
    else if (n < SMALLEST_READ && length > SMALLEST_READ) this.#buffer = NO_BYTES;
  }

  /** Decrypted bytes. What does not go to a waiting reader is less than one read brought. */
  #arrived = (chunk: Uint8Array): void => {
    this.#plain.push(chunk);
    const read = this.#read;
    if (!read) return;
    this.#read = undefined;
    read.resolve(this.#take(this.#readInto));
    this.#readInto = NO_BYTES;
  };

  /** The peer's `close_notify`. */
  #endArrived = (): void => {
    this.#peerEnded = true;
    this.#read?.resolve(null);
    this.#read = undefined;
  };

  /** The connection's end. What came just before it, `close_notify` or alert, is told a tick later and goes first. */
  #wireEnded(): void {
    this.#truncation ??= setTimeout(() => this.#failRead(this.#info ? truncated() : left()), 0);
  }

  #failRead(error: unknown): void {
    this.#readFailure ??= { error };
    this.#handshake?.reject(error);
    if (!this.#peerEnded) this.#read?.reject(error);
    this.#read = undefined;
  }

  // --- Writing ------------------------------------------------------------------------------------------------------

  write(p: Uint8Array): Promise<number> {
    if (this.#writeFailure) return Promise.reject(this.#writeFailure.error);
    if (!this.#socket) this.#start();
    const bytes = p.length > LARGEST_WRITE ? p.subarray(0, LARGEST_WRITE) : p;
    this.#write = Promise.withResolvers();
    this.#writeLength = bytes.length;
    this.#socket!.write(bytes, this.#written);
    return this.#write.promise;
  }

  #written = (error?: Error | null): void => {
    if (error) return this.#failWrite(brokenPipe(error));
    this.#write?.resolve(this.#writeLength);
    this.#write = undefined;
  };

  /** Encrypted bytes for the peer. `node:tls` waits for `done` before it gives more. */
  #send = (encrypted: Uint8Array, done: Done): void => {
    if (this.#closed) return this.#sendFarewell(encrypted);
    this.#encrypted = encrypted;
    this.#encryptedSent = done;
    this.#conn.write(encrypted).then(this.#sent, this.#sendFailed);
  };

  #sent = (n: number): void => {
    const rest = this.#encrypted!.subarray(n);
    this.#encrypted = rest.length > 0 ? rest : undefined;
    if (this.#closed) return;
    if (rest.length > 0) return void this.#conn.write(rest).then(this.#sent, this.#sendFailed);
    this.#encryptedSent();
    this.#endWire();
  };

  #sendFailed = (error: unknown): void => {
    this.#encrypted = undefined;
    this.#failWrite(error);
  };

  #failWrite(error: unknown): void {
    this.#writeFailure ??= { error };
    this.#handshake?.reject(error);
    this.#write?.reject(error);
    this.#farewell?.reject(error);
    this.#write = undefined;
  }

  /**
   * Sends the `close_notify`, then the connection's own end for peers that ignore it. The peer may go on sending; TLS 1.2
   * asks it not to, TLS 1.3 allows it.
   */
  closeWrite(): Promise<void> {
    if (this.#writeFailure) return Promise.reject(this.#writeFailure.error);
    if (!this.#socket) return this.#conn.closeWrite();
    if (!this.#farewell) {
      this.#farewell = Promise.withResolvers();
      this.#socket.end(this.#endWire);
    }
    return this.#farewell.promise;
  }

  /** When `node:tls` has made its last record and the kernel has taken it. The record comes first, as a rule. */
  #endWire = (): void => {
    if (!this.#farewell || !this.#socket!.writableFinished || this.#encrypted || this.#closed) return;
    this.#conn.closeWrite().then(this.#farewell.resolve, this.#farewell.reject);
  };

  // --- The end ------------------------------------------------------------------------------------------------------

  /**
   * Frees the descriptor within this turn of the event loop; pending calls reject. Where nothing stands in the way, the
   * peer is sent the `close_notify` first, without waiting for it.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const busy = this.#write || this.#encrypted || this.#farewell || this.#writeFailure;
    this.#fail(new Deno.errors.Interrupted("operation canceled"));
    if (busy || !this.#info) return this.#release();
    this.#lastChance = setTimeout(() => this.#release(), 0);
    this.#socket!.end();
  }

  /** Deno tries a write when it is called and not later: the kernel has these bytes before the descriptor goes. */
  #sendFarewell(notify: Uint8Array): void {
    this.#conn.write(notify).catch(ignore); // no room for it: the peer was not reading anyway
    this.#release();
  }

  #release(): void {
    clearTimeout(this.#truncation);
    clearTimeout(this.#lastChance);
    try {
      this.#conn.close();
    } catch {
      // it was free already
    }
    process.nextTick(() => this.#socket?.destroy()); // not before it has begun
  }

  #fail(error: unknown): void {
    this.#failRead(error);
    this.#failWrite(error);
  }
}

/**
 * The stream of encrypted bytes that `node:tls` asks for, without the two queues of one: what is to be sent goes to the
 * connection at once (`node:tls` has one write under way at most), and what has come is emitted by who read it.
 */
function makeWire(send: (bytes: Uint8Array, done: Done) => void): Duplex {
  const { Duplex } = process.getBuiltinModule("node:stream");
  const wire = new Duplex({ allowHalfOpen: true, read: ignore });
  const write = (bytes: Uint8Array, encoding?: unknown, done: unknown = encoding): boolean => {
    send(bytes, (done ?? ignore) as Done);
    return true;
  };
  return Object.assign(wire, { write, pause: () => wire, resume: () => wire });
}

/** The handshake of Deno's own TLS, which tells one thing about it. */
export async function shakeHands(conn: Deno.TlsConn & { tls?: TlsInfo }): Promise<void> {
  const { alpnProtocol } = await conn.handshake();
  conn.tls = { alpnProtocol: alpnProtocol ?? undefined };
}

const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);

function left(): Error {
  return new Deno.errors.UnexpectedEof("the peer left during the TLS handshake");
}

function truncated(): Error {
  return new Deno.errors.UnexpectedEof(
    "the peer has closed the connection without a TLS close_notify: what it sent may have been cut off",
  );
}

function brokenPipe(cause: Error): Error {
  return new Deno.errors.BrokenPipe("the TLS connection is closed", { cause });
}
