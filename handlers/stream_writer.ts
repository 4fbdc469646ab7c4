/**
 * The writing end of a request handler.
 *
 * @module
 */
import type { Connection } from "../server/connection.ts";

const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);
const DONE = Promise.resolve();

/**
 * What goes to the peer: Python's `wfile`.
 *
 * Writes go out whole and in the order of the calls, also those that nobody awaited. A close on this side rejects them
 * with `ConnectionClosedError`.
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
 */
export class StreamWriter {
  // deno-lint-ignore no-explicit-any -- whatever is kept in `conn.data`
  readonly #connection: Connection<any>;
  readonly #bufferSize: number;
  #buffer = NO_BYTES;
  #filled = 0;

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
    return this.#bufferSize === 0 ? this.#connection.write(bytes) : this.#collect(bytes);
  }

  async #collect(bytes: Uint8Array): Promise<number> {
    if (bytes.length > this.#bufferSize - this.#filled) {
      const flushed = this.flush();
      if (bytes.length >= this.#bufferSize) return await this.#connection.write(bytes); // goes out after the flush
      this.#keep(bytes);
      await flushed;
    } else this.#keep(bytes);
    return bytes.length;
  }

  #keep(bytes: Uint8Array): void {
    if (this.#filled === 0) this.#buffer = new Uint8Array(this.#bufferSize); // the last one may still be on its way
    this.#buffer.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }

  /** Sends what was collected. Resolves when the kernel has taken it; at once if there is nothing. */
  flush(): Promise<void> {
    if (this.#filled === 0) return DONE;
    const bytes = this.#buffer.subarray(0, this.#filled);
    this.#buffer = NO_BYTES;
    this.#filled = 0;
    return this.#connection.sendAll(bytes);
  }
}

const encoder = new TextEncoder();

/** Bytes, in a view of any kind. */
export function asBytes(data: ArrayBufferView | ArrayBufferLike | string): Uint8Array {
  if (typeof data === "string") return encoder.encode(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer || data instanceof SharedArrayBuffer) return new Uint8Array(data);
  throw new TypeError(`Expected bytes or text to write, got ${data === null ? "null" : `a ${typeof data}`}`);
}
