/**
 * The writing end of a request handler.
 *
 * @module
 */
import { type Connection, control } from "../server/connection.ts";
import { optional } from "../server/_inbound.ts";
import { encodeText } from "../server/_text.ts";

const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);
const DONE = Promise.resolve();
/** In bytes. */
const SMALLEST_BUFFER = 512;

/**
 * What goes to the peer: Python's `wfile`.
 *
 * Writes go out whole and in the order of the calls, also those that nobody awaited. A close on this side rejects them
 * with `ConnectionClosedError`.
 *
 * With a buffer it collects what is written, and sends it when the buffer is full, when `flush` is called, and whenever
 * the connection has nothing more to read and is about to wait for the peer. So many answers to requests that came
 * together make one write, and no peer waits for an answer that lies in the buffer. Python's `wbufsize` leaves the last
 * part to the caller.
 *
 * @example
 * ```ts
 * import { connect, StreamRequestHandler, TcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * class Greeter extends StreamRequestHandler {
 *   override async handle(): Promise<void> {
 *     this.wfile.write("hello, "); // in the order of the calls
 *     await this.wfile.write("world\n");
 *   }
 * }
 *
 * await using server = await new TcpServer(Greeter, { port: 0 }).listen();
 * const serving = server.serveForever();
 * using conn = await connect(server.addr);
 * assertEquals(await conn.readLine(), "hello, world");
 * conn.close();
 * await server.shutdown();
 * await serving;
 * ```
 *
 * @example In a function, for a client that sends many lines at once
 * ```ts
 * import { connect, StreamWriter, TcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await new TcpServer(async (conn) => {
 *   await using out = new StreamWriter(conn, 16_384);
 *   for await (const line of conn.lines()) await out.write(`${line.toUpperCase()}\n`);
 * }, { port: 0 }).listen();
 * const serving = server.serveForever();
 * using conn = await connect(server.addr);
 * await conn.sendAll("one\ntwo\n");
 * assertEquals(await conn.readExactly(8), new TextEncoder().encode("ONE\nTWO\n"));
 * conn.close();
 * await server.shutdown();
 * await serving;
 * ```
 */
export class StreamWriter implements AsyncDisposable {
  // deno-lint-ignore no-explicit-any -- whatever is kept in `conn.data`
  readonly #connection: Connection<any>;
  readonly #bufferSize: number;
  #buffer = NO_BYTES;
  #filled = 0;
  /** The buffer before, once what it held is with the kernel. */
  #spare = NO_BYTES;

  /**
   * A writer to `connection` that collects up to `bufferSize` bytes before it sends them; with 0 it sends at once.
   *
   * @throws {RangeError} if `bufferSize` is no whole number from 0
   */
  // deno-lint-ignore no-explicit-any -- whatever is kept in `conn.data`
  constructor(connection: Connection<any>, bufferSize: number = 0) {
    if (!Number.isInteger(bufferSize) || bufferSize < 0) {
      throw new RangeError(`Cannot buffer ${bufferSize} bytes: expected a whole number from 0`);
    }
    this.#connection = connection;
    this.#bufferSize = bufferSize;
  }

  /**
   * Writes all of `data`. Resolves when the kernel has taken it (or the buffer, if there is one); until then it must stay
   * as it is.
   *
   * @param data bytes, in a view of any kind; text, which Python refuses, is sent as UTF-8
   * @returns the number of bytes, not of elements or characters
   * @throws {Deno.errors.BrokenPipe} when the peer is gone
   * @throws {Deno.errors.TimedOut} when the peer took no byte for `timeout` milliseconds
   */
  write(data: ArrayBufferView | ArrayBufferLike | string): Promise<number> {
    const bytes = data instanceof Uint8Array ? data : asBytes(data);
    if (this.#bufferSize === 0) return this.#connection.write(bytes);
    if (bytes.length > this.#bufferSize - this.#filled) return optional(this.#makeRoom(bytes));
    this.#keep(bytes);
    return Promise.resolve(bytes.length);
  }

  async #makeRoom(bytes: Uint8Array): Promise<number> {
    const flushed = this.flush();
    if (bytes.length >= this.#bufferSize) return await this.#connection.write(bytes); // goes out after the flush
    this.#keep(bytes);
    await flushed;
    return bytes.length;
  }

  #keep(bytes: Uint8Array): void {
    const size = this.#filled + bytes.length;
    if (size > this.#buffer.length) this.#grow(size);
    // While it holds something, and no longer: many writers may be made for one connection.
    if (this.#filled === 0 && size > 0) control.holders(this.#connection).add(this);
    this.#buffer.set(bytes, this.#filled);
    this.#filled = size;
  }

  /** A client that never sends much at once needs no large buffer. */
  #grow(size: number): void {
    const larger = new Uint8Array(Math.min(this.#bufferSize, Math.max(SMALLEST_BUFFER, size * 2)));
    larger.set(this.#buffer.subarray(0, this.#filled));
    this.#buffer = larger;
  }

  /** Sends what was collected. Resolves when the kernel has taken it; at once if there is nothing. */
  flush(): Promise<void> {
    if (this.#filled === 0) return DONE;
    const buffer = this.#buffer;
    const bytes = buffer.subarray(0, this.#filled);
    this.#buffer = this.#spare; // what is on its way must stay as it is
    this.#spare = NO_BYTES;
    this.#filled = 0;
    control.holders(this.#connection).delete(this);
    return optional(
      this.#connection.sendAll(bytes).then(() => {
        this.#spare = buffer;
      }),
    );
  }

  /** Sends what was collected, at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.flush();
  }
}

/** Bytes to be sent, in a view of any kind. */
export function asBytes(data: ArrayBufferView | ArrayBufferLike | string): Uint8Array {
  if (typeof data === "string") return encodeText(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer || data instanceof SharedArrayBuffer) return new Uint8Array(data);
  throw new TypeError(`Expected bytes or text to write, got ${data === null ? "null" : `a ${typeof data}`}`);
}
