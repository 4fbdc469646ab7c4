/**
 * The reading end of a request handler.
 *
 * @module
 */
import type { Connection, ReadOptions, ReadUntilOptions } from "../server/connection.ts";
import type { LinesOptions } from "../server/framing/lines.ts";

/** No read hands out more at once: a connection's buffer is no larger. */
const LARGEST_READ = 65_536;

/**
 * What comes from the peer: Python's `rfile`. A view of the connection that keeps nothing of its own, so reads here and
 * reads of the connection may be mixed.
 *
 * On every read: abort and time-out end the wait and lose no byte; a close on this side rejects with
 * `ConnectionClosedError`.
 *
 * @example
 * ```ts
 * import { connect, StreamRequestHandler, TcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * class Adder extends StreamRequestHandler {
 *   override async handle(): Promise<void> {
 *     let sum = 0;
 *     for (let line; (line = await this.rfile.readLine());) sum += Number(line);
 *     await this.wfile.write(`${sum}\n`);
 *   }
 * }
 *
 * await using server = await new TcpServer(Adder, { port: 0 }).listen();
 * const serving = server.serveForever();
 * using conn = await connect(server.addr);
 * await conn.sendAll("1\n2\n\n");
 * assertEquals(await conn.readLine(), "3");
 * conn.close();
 * await server.shutdown();
 * await serving;
 * ```
 */
export class StreamReader implements AsyncIterable<Uint8Array<ArrayBuffer>> {
  // deno-lint-ignore no-explicit-any -- whatever is kept in `conn.data`
  readonly #connection: Connection<any>;

  /** A reader of `connection`. */
  // deno-lint-ignore no-explicit-any -- whatever is kept in `conn.data`
  constructor(connection: Connection<any>) {
    this.#connection = connection;
  }

  /**
   * The bytes that are there, or the next that come: at least one, at most `size`. Python's `read1`; its `read(n)` is
   * {@linkcode StreamReader.readExactly}.
   *
   * @param size the most bytes to take; all that came at once if it is left out
   * @returns the bytes, or `null` at the end
   */
  async read(size?: number, options?: ReadOptions): Promise<Uint8Array<ArrayBuffer> | null> {
    if (size === undefined) return await this.#connection.recv(options);
    if (!(size >= 1)) throw new RangeError(`Cannot read ${size} bytes: expected a number from 1`);
    const bytes = new Uint8Array(Math.min(size, LARGEST_READ));
    const count = await this.#connection.read(bytes, options);
    return count === null ? null : bytes.subarray(0, count);
  }

  /**
   * Exactly `n` bytes.
   *
   * @throws {Deno.errors.UnexpectedEof} if the end comes first; what had come can still be read
   */
  readExactly(n: number, options?: ReadOptions): Promise<Uint8Array<ArrayBuffer>> {
    return this.#connection.readExactly(n, options);
  }

  /**
   * Bytes up to and including `delimiter`, or `null` at the end.
   *
   * @throws {FrameTooLargeError} when more than `limit` bytes come without it; they stay unread
   */
  readUntil(
    delimiter: Uint8Array | string,
    options?: ReadUntilOptions,
  ): Promise<Uint8Array<ArrayBuffer> | null> {
    return this.#connection.readUntil(delimiter, options);
  }

  /**
   * The next line as text, without its end, or `null` at the end.
   *
   * @throws {FrameTooLargeError} when a line is longer than `limit` bytes; it stays unread
   */
  readLine(options?: ReadUntilOptions): Promise<string | null> {
    return this.#connection.readLine(options);
  }

  /** The lines that come, as text without their ends. A draining server ends it between lines. */
  lines(options?: LinesOptions): AsyncIterableIterator<string> {
    return this.#connection.lines(options);
  }

  /** The chunks that come. A draining server ends it when nothing is left to read. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array<ArrayBuffer>> {
    return this.#connection[Symbol.asyncIterator]();
  }
}
