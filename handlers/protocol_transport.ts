/**
 * What a protocol writes to.
 *
 * @module
 */
import { type Connection, control } from "../server/connection.ts";
import { ConnectionClosedError, isPeerGone } from "../server/errors.ts";
import { Watchdog } from "../server/_watchdog.ts";
import type { Protocol } from "./protocol.ts";
import { ConnectionAborted, ConnectionDone, ConnectionLost } from "./protocol_errors.ts";

/** Writes that were not taken by the kernel: beyond this many bytes a push producer is paused, as in Twisted. */
const FULL = 65_536;
/** The most bytes of one `dataReceived`, as in Twisted; a read may bring more. */
const LARGEST_CHUNK = 65_536;

/**
 * Something that makes data for a transport: a *push* producer writes by itself and is told when to pause; a *pull*
 * producer writes a piece for every `resumeProducing`.
 *
 * @example A pull producer: three pieces, then the end
 * ```ts
 * import { connect, type Producer, Protocol, TcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * class Count extends Protocol implements Producer {
 *   #n = 0;
 *   override connectionMade() {
 *     this.transport.registerProducer(this, false);
 *     this.transport.loseConnection(); // waits until it is unregistered
 *   }
 *   resumeProducing() {
 *     this.transport.write(new TextEncoder().encode(`${++this.#n}\n`));
 *     if (this.#n === 3) this.transport.unregisterProducer();
 *   }
 * }
 * await using server = await new TcpServer(Count, { port: 0 }).listen();
 * const serving = server.serveForever();
 * using conn = await connect(server.addr);
 * assertEquals(await Array.fromAsync(conn.lines()), ["1", "2", "3"]);
 * await server.shutdown();
 * await serving;
 * ```
 */
export interface Producer {
  /** Write again; a pull producer: write the next piece. */
  resumeProducing(): void;
  /** Do not write for now. A pull producer is never told. */
  pauseProducing?(): void;
  /** The connection is over: produce no more. */
  stopProducing?(): void;
}

/**
 * A connection as its {@linkcode Protocol} sees it. Twisted's `ITCPTransport`.
 *
 * None of its methods waits, and none calls the protocol before it returns.
 *
 * @example An answer, and then the end
 * ```ts
 * import { connect, Protocol, TcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * class Answer extends Protocol {
 *   override dataReceived(question: Uint8Array) {
 *     this.transport.write(question);
 *     this.transport.loseConnection(); // when it is sent
 *   }
 * }
 * await using server = await new TcpServer(Answer, { port: 0 }).listen();
 * const serving = server.serveForever();
 * using conn = await connect(server.addr);
 * await conn.sendAll("why?\n");
 * assertEquals(await Array.fromAsync(conn.lines()), ["why?"]);
 * await server.shutdown();
 * await serving;
 * ```
 */
export class ProtocolTransport {
  /** The connection beneath. Reading from it takes bytes away from the protocol. */
  readonly connection: Connection;
  readonly #protocol: Protocol;
  #paused = false;
  /** Whether it was paused since the protocol was last told that it goes on. */
  #interrupted = false;
  /** What is left of a chunk that was too large for one call. */
  #rest: Uint8Array<ArrayBuffer> | undefined;
  /** What is waited for in place of a read: a call that lets things go on, or the end of the connection. */
  #change: PromiseWithResolvers<void> | undefined;
  #watchingEnd = false;
  #writeFailure: { error: unknown } | undefined;
  #reading = false;
  #disconnecting = false;
  #lost = false;
  #aborted = false;
  #writeClosed: Promise<void> | undefined;
  #producer: Producer | undefined;
  #streaming = false;
  #producerPaused = false;
  #watchingDrain = false;
  #idle: Watchdog | undefined;
  #failure: { error: unknown } | undefined;

  /**
   * A transport between a connection and a protocol. {@linkcode runProtocol} makes it.
   *
   * @param connection what it writes to and reads from
   * @param protocol what is called
   */
  constructor(connection: Connection, protocol: Protocol) {
    this.connection = connection;
    this.#protocol = protocol;
  }

  /** The peer's address. */
  get peer(): Deno.Addr {
    return this.connection.remoteAddr;
  }

  /** This side's address. */
  get host(): Deno.Addr {
    return this.connection.localAddr;
  }

  /** Whether {@linkcode ProtocolTransport.loseConnection} or `abortConnection` was called, or the connection is over. */
  get disconnecting(): boolean {
    return this.#disconnecting;
  }

  /** Whether reading is paused. */
  get paused(): boolean {
    return this.#paused;
  }

  /** Bytes that were written, by whatever way, and that the kernel has not taken. */
  get buffered(): number {
    return this.#lost ? 0 : control.waiting(this.connection);
  }

  /**
   * Sends bytes, after those written before. They are not copied and must not change any more. Once the connection is over
   * they are dropped silently; while `loseConnection` still flushes they are sent.
   *
   * @param data the bytes
   * @throws {TypeError} if it is not bytes
   */
  write(data: Uint8Array): void {
    if (!(data instanceof Uint8Array)) {
      throw new TypeError(`Cannot write a ${typeof data}: data must be bytes`);
    }
    if (this.#lost || this.#writeClosed || data.length === 0) return;
    this.#idle?.start();
    this.#send(data);
    if (this.#producer) this.#checkProducer(this.#producer);
  }

  /** What fails is told by the next read, or, if none will come, here. */
  #send(data: Uint8Array): void {
    if (this.#change) this.connection.sendAll(data).catch((error) => this.#cutOff(error));
    else {
      try {
        control.post(this.connection, data);
      } catch {
        // dropped: the connection is over
      }
    }
  }

  /**
   * Sends several pieces, in order.
   *
   * @param pieces the bytes
   * @throws {TypeError} if one of them is not bytes; those before it are sent
   */
  writeSequence(pieces: Iterable<Uint8Array>): void {
    for (const piece of pieces) this.write(piece);
  }

  /** Stops reading at once, sends what was written, then closes. A pull producer is waited for. Calling twice is harmless. */
  loseConnection(): void {
    if (this.#disconnecting) return;
    this.#disconnecting = true;
    this.resumeProducing();
    if (this.#reading) this.#closeFlushed();
  }

  /** Closes at once; what is not yet with the kernel is dropped. The protocol is told in a later turn. */
  abortConnection(): void {
    if (this.#lost || this.#aborted) return;
    this.#disconnecting = this.#aborted = true;
    this.connection.close();
    this.resumeProducing();
  }

  /** Sends what was written and then the end; reading goes on. Then calls `writeConnectionLost`, if the protocol has it. */
  loseWriteConnection(): void {
    if (this.#lost || this.#writeClosed) return;
    this.#writeClosed = this.connection.closeWrite();
    this.#writeClosed.then(() => this.#tellHalfClosed(), () => {}); // a peer that is gone is told by the next read
  }

  #tellHalfClosed(): void {
    if (this.#lost) return;
    this.#wake();
    try {
      this.#protocol.writeConnectionLost?.();
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * Delivers nothing until `resumeProducing`. Meanwhile the peer's end is not noticed either; a close on this side and a
   * write that fails are.
   */
  pauseProducing(): void {
    if (!this.#disconnecting) this.#paused = this.#interrupted = true;
  }

  /** Delivers again. */
  resumeProducing(): void {
    this.#paused = false;
    this.#wake();
  }

  #wake(): void {
    this.#change?.resolve();
    this.#change = undefined;
  }

  /** As `loseConnection`: a transport is a producer too. */
  stopProducing(): void {
    this.loseConnection();
  }

  /**
   * Lets a producer fill this transport: a push producer (`streaming`) is paused while more than 64 KiB wait to go out and
   * resumed when none do; a pull producer is asked for a piece now and whenever none wait.
   *
   * @param producer what produces; it is stopped at once if the connection is over
   * @param streaming whether it is a push producer
   * @throws {TypeError} if there is a producer already
   */
  registerProducer(producer: Producer, streaming: boolean): void {
    if (this.#producer) throw new TypeError("Cannot register a producer: there is one already");
    if (this.#lost) return producer.stopProducing?.();
    this.#producer = producer;
    this.#streaming = streaming;
    this.#producerPaused = false;
    if (streaming) this.#checkProducer(producer);
    else producer.resumeProducing();
  }

  /** Ends what `registerProducer` began. */
  unregisterProducer(): void {
    this.#producer = undefined;
    this.#wake();
  }

  /** How long no byte may go either way, in milliseconds, before `timeoutConnection` is called; see `Protocol.setTimeout`. */
  get idleTimeout(): number | undefined {
    return this.#idle?.limit;
  }

  set idleTimeout(ms: number | undefined) {
    this.#idle?.close();
    this.#idle = ms === undefined || this.#lost ? undefined : new Watchdog(ms, () => this.#expired());
    this.#idle?.start();
  }

  /** Pushes the idle limit back, as a byte does. */
  resetTimeout(): void {
    this.#idle?.start();
  }

  /**
   * Sends small writes at once, or collects them.
   *
   * @param enabled whether at once
   */
  setTcpNoDelay(enabled: boolean): void {
    this.connection.setNoDelay(enabled);
  }

  /**
   * Lets the kernel ask a silent peer whether it is still there.
   *
   * @param enabled whether it asks
   */
  setTcpKeepAlive(enabled: boolean): void {
    this.connection.setKeepAlive(enabled);
  }

  /**
   * Calls the protocol until the connection is over, and then with the reason why. Called once, by {@linkcode runProtocol}.
   *
   * @param counter counts the connection while it is open
   * @returns why it is over
   * @throws what the protocol threw, or its producer's `stopProducing`
   */
  async run(counter?: { connectionCount: number }): Promise<Error> {
    let reason: Error;
    if (counter) counter.connectionCount++;
    try {
      reason = await this.#live();
      await this.#end(reason);
    } catch (error) {
      if (!this.#lost) {
        await this.#end(error instanceof Error ? error : new Error(String(error), { cause: error }));
      }
      throw error;
    } finally {
      if (counter) counter.connectionCount--;
    }
    return reason;
  }

  async #end(reason: Error): Promise<void> {
    this.#lost = this.#disconnecting = true;
    this.idleTimeout = undefined;
    const producer = this.#producer;
    this.#producer = undefined;
    try {
      producer?.stopProducing?.();
    } finally {
      await this.#protocol.connectionLost(reason);
    }
  }

  /** One function that waits, and not one within the other: each stays in memory for as long as the connection is open. */
  async #live(): Promise<Error> {
    try {
      await this.#protocol.makeConnection(this);
      const chunks = this.connection[Symbol.asyncIterator]();
      while (!this.#disconnecting) {
        if (this.#interrupted) await this.#goOn();
        else if (this.#rest) await this.#deliver(this.#rest);
        else {
          this.#reading = true;
          const { value, done } = await chunks.next();
          this.#reading = false;
          while (this.#paused) await this.#resumed();
          if (this.#disconnecting) break;
          if (done) {
            await this.#readEnded();
            break;
          }
          this.#idle?.start();
          const delivered = this.#deliver(value);
          if (delivered) await delivered;
        }
      }
      if (!this.#aborted) await this.#flushAll();
      return this.#aborted ? new ConnectionAborted() : new ConnectionDone();
    } catch (error) {
      if (this.#failure) throw this.#failure.error;
      return this.#reasonOf(error);
    }
  }

  /** Hands over as much of a chunk as may come at once. */
  #deliver(chunk: Uint8Array<ArrayBuffer>): Promise<unknown> | undefined {
    this.#rest = chunk.length > LARGEST_CHUNK ? chunk.subarray(LARGEST_CHUNK) : undefined;
    const piece = this.#rest ? chunk.subarray(0, LARGEST_CHUNK) : chunk;
    const delivered = this.#protocol.dataReceived(piece) as unknown;
    return delivered instanceof Promise ? delivered : undefined;
  }

  /** After a pause. */
  async #goOn(): Promise<void> {
    while (this.#paused) await this.#resumed();
    this.#interrupted = false;
    if (!this.#disconnecting) await this.#protocol.resumed?.();
  }

  /** The peer has ended its half, or the server drains. Only a protocol that knows of halves may go on writing. */
  async #readEnded(): Promise<void> {
    if (!this.#protocol.readConnectionLost || this.connection.signal.aborted) return;
    await this.#protocol.readConnectionLost();
    while (!this.#disconnecting && !this.#writeClosed) await this.#resumed();
  }

  /**
   * Waits for a call that lets things go on. No read tells meanwhile how the connection fares: a close on this side and a
   * write that fails end the wait, and are thrown.
   */
  async #resumed(): Promise<void> {
    if (!this.connection.closed) {
      this.#change ??= Promise.withResolvers();
      this.#watchEnd();
      await this.#change.promise;
    }
    if (this.#writeFailure) throw this.#writeFailure.error;
    if (this.connection.closed) await this.connection.recv(); // throws why
  }

  #watchEnd(): void {
    this.connection.flush().catch((error) => this.#cutOff(error)); // of what was written before
    if (this.#watchingEnd) return;
    this.#watchingEnd = true;
    this.connection.finished.then(() => this.#wake());
  }

  #cutOff(error: unknown): void {
    this.#writeFailure ??= { error };
    this.#wake();
  }

  /** Bytes that are written meanwhile are sent too. */
  async #flushAll(): Promise<void> {
    while (this.#producer && !this.#streaming) await this.#resumed();
    do await this.connection.flush(); while (this.buffered > 0);
    await this.#writeClosed;
  }

  /** For a `loseConnection` while a read is under way, which the close ends. */
  #closeFlushed(): void {
    this.#flushAll().catch(() => {}).then(() => this.connection.close()); // the read meets with the same failure
  }

  /** What a callback outside the read loop threw ends the connection, with that as its reason. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.abortConnection();
  }

  /** Connection errors are reasons; all else was thrown by the protocol. */
  #reasonOf(error: unknown): Error {
    const local = error instanceof ConnectionClosedError;
    if (this.#aborted && local) return new ConnectionAborted();
    if (local && this.#disconnecting && error.reason === "closed") return new ConnectionDone();
    if (local || isPeerGone(error)) return new ConnectionLost(undefined, { cause: error });
    if (error instanceof Deno.errors.TimedOut) return new ConnectionLost(undefined, { cause: error });
    throw error;
  }

  #checkProducer(producer: Producer): void {
    if (this.#streaming && !this.#producerPaused && this.buffered > FULL) {
      this.#producerPaused = true;
      producer.pauseProducing?.();
    }
    if (this.#watchingDrain || (this.#streaming && !this.#producerPaused)) return;
    this.#watchingDrain = true;
    this.connection.flush().then(() => this.#drained(), () => {}); // the read meets with the same failure
  }

  #drained(): void {
    this.#watchingDrain = false;
    const producer = this.#producer;
    if (!producer || this.#lost) return;
    if (this.buffered > 0) return this.#checkProducer(producer);
    this.#producerPaused = false;
    try {
      producer.resumeProducing();
    } catch (error) {
      this.#fail(error);
    }
  }

  #expired(): void {
    try {
      this.#protocol.timeoutConnection();
    } catch (error) {
      this.#fail(error);
    }
  }
}

/**
 * Takes a protocol through the life of a connection: `makeConnection`, `dataReceived` for every chunk, `connectionLost`
 * exactly once. The connection is flushed at the end, and whoever called closes it.
 *
 * A close on this side ends it with a `ConnectionLost`.
 *
 * @param connection what it reads and writes
 * @param protocol what is told
 * @param counter counts the connection while it is open
 * @returns why it is over
 * @throws what the protocol threw, which was also its reason; what `connectionLost` threw
 *
 * @example A protocol on a connection that this side has made
 * ```ts
 * import { connect, Protocol, runProtocol, TcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await new TcpServer((conn) => conn.sendAll("hello"), { port: 0 }).listen();
 * const serving = server.serveForever();
 *
 * class Listen extends Protocol {
 *   heard = "";
 *   override dataReceived(data: Uint8Array) {
 *     this.heard += new TextDecoder().decode(data);
 *   }
 * }
 * using conn = await connect(server.addr);
 * const listen = new Listen();
 * const reason = await runProtocol(conn, listen);
 * assertEquals([listen.heard, reason.name], ["hello", "ConnectionDone"]);
 * await server.shutdown();
 * await serving;
 * ```
 */
export function runProtocol(
  connection: Connection,
  protocol: Protocol,
  counter?: { connectionCount: number },
): Promise<Error> {
  return new ProtocolTransport(connection, protocol).run(counter);
}
