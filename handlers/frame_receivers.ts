/**
 * Protocols that are called with messages instead of bytes.
 *
 * @module
 */
import { control } from "../server/connection.ts";
import { FrameError } from "../server/framing/errors.ts";
import type { Decoder, Framing } from "../server/framing/framing.ts";
import { lengthPrefixed } from "../server/framing/length_prefixed.ts";
import { lines } from "../server/framing/lines.ts";
import { netstrings } from "../server/framing/netstrings.ts";
import { encodeText } from "../server/_text.ts";
import { Protocol } from "./protocol.ts";

/**
 * A protocol over one of the kit's framings, or over one of your own.
 *
 * Pausing the transport inside `frameReceived` stops delivery between two frames, resuming goes on there, and
 * `loseConnection` drops the rest.
 *
 * @typeParam F a frame
 *
 * @example Records of four bytes
 * ```ts
 * import { connect, FrameReceiver, TcpServer } from "@switchboard/kit";
 * import { fixed } from "@switchboard/kit/framing";
 * import { assertEquals } from "@std/assert";
 *
 * class Reverse extends FrameReceiver<Uint8Array> {
 *   override makeFraming() {
 *     return fixed(4);
 *   }
 *   override frameReceived(record: Uint8Array) {
 *     this.transport.write(record.toReversed());
 *   }
 * }
 * await using server = await new TcpServer(Reverse, { port: 0 }).listen();
 * const serving = server.serveForever();
 * using conn = await connect(server.addr);
 * await conn.sendAll(new Uint8Array([1, 2, 3, 4, 5]));
 * assertEquals(await conn.readExactly(4), new Uint8Array([4, 3, 2, 1]));
 * await server.shutdown();
 * await serving;
 * ```
 */
export abstract class FrameReceiver<F> extends Protocol {
  #decoder: Decoder<F> | undefined;
  #delivering = false;

  /**
   * Makes the framing; asked when the first bytes come, and again after a frame was rejected.
   *
   * @returns how frames are cut
   */
  protected abstract makeFraming(): Framing<F>;

  /**
   * Called with every frame.
   *
   * @param frame a whole one
   */
  abstract frameReceived(frame: F): void;

  /**
   * Called when what comes is no frame, or is too large. Closes the connection.
   *
   * @param _error what is wrong
   * @param _rest what has come and was not delivered
   */
  frameRejected(_error: FrameError, _rest: Uint8Array): void {
    this.transport.loseConnection();
  }

  /**
   * Cuts frames out of what has come.
   *
   * @param data the bytes
   */
  override dataReceived(data: Uint8Array): void {
    this.decoder.push(data);
    this.deliver();
  }

  /** Goes on with what came before the pause. */
  override resumed(): void {
    this.deliver();
  }

  /** What cuts; made when it is first asked for. */
  protected get decoder(): Decoder<F> {
    return this.#decoder ??= this.makeFraming().decoder();
  }

  /** Whether the next frame may be delivered now. */
  protected get accepting(): boolean {
    return !this.transport.paused && !this.transport.disconnecting;
  }

  /** Delivers whole frames while that is allowed: a loop and no recursion, whatever the callbacks do. */
  protected deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    control.cork(this.transport.connection, true); // answers to frames that came together go out together
    try {
      while (this.accepting && this.deliverOne());
    } finally {
      control.cork(this.transport.connection, false);
      this.#delivering = false;
    }
  }

  /**
   * Delivers one frame.
   *
   * @returns whether there was one
   */
  protected deliverOne(): boolean {
    let frame: F | undefined;
    try {
      frame = this.decoder.next();
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      const rest = this.decoder.rest();
      this.#decoder = undefined; // one that has failed stays failed
      this.frameRejected(error, rest);
      return false;
    }
    if (frame === undefined) return false;
    this.frameReceived(frame);
    return true;
  }
}

/**
 * Speaks in lines, and in raw bytes between them. Twisted's `LineReceiver`.
 *
 * @example
 * ```ts
 * import { connect, LineReceiver, TcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * class Shout extends LineReceiver {
 *   override lineReceived(line: string) {
 *     this.sendLine(line.toUpperCase());
 *   }
 * }
 * await using server = await new TcpServer(Shout).listen();
 * const serving = server.serveForever();
 * using conn = await connect(server.addr);
 * await conn.sendAll("hello\nworld\n");
 * assertEquals([await conn.readLine(), await conn.readLine()], ["HELLO", "WORLD"]);
 * await server.shutdown();
 * await serving;
 * ```
 */
export abstract class LineReceiver extends FrameReceiver<string> {
  /** The longest line in bytes, without its end. */
  maxLength = 16_384;
  /** What `sendLine` ends a line with. Lines that come may end with either. */
  delimiter: "\r\n" | "\n" = "\r\n";
  #raw = false;

  /**
   * Called with every line.
   *
   * @param line its text, without its end
   */
  abstract lineReceived(line: string): void;

  /**
   * Called with what comes in raw mode. Does nothing here.
   *
   * @param _data the bytes, cut anywhere
   */
  rawDataReceived(_data: Uint8Array): void {}

  /**
   * Called when a line is too long. Closes the connection.
   *
   * @param _rest everything that has come and was not delivered, later lines included
   */
  lineLengthExceeded(_rest: Uint8Array): void {
    this.transport.loseConnection();
  }

  /**
   * Sends a line, and the delimiter behind it.
   *
   * @param line its text
   */
  sendLine(line: string): void {
    this.transport.write(encodeText(line + this.delimiter));
  }

  /** From now on what comes is delivered as it is, beginning with what has come already. */
  setRawMode(): void {
    this.#raw = true;
  }

  /**
   * From now on what comes is cut into lines.
   *
   * @param extra bytes of the raw data that belong to the first line
   */
  setLineMode(extra: Uint8Array = new Uint8Array(0)): void {
    this.#raw = false;
    if (extra.length > 0) this.decoder.push(extra);
    this.deliver();
  }

  /** As `lineReceived`. */
  frameReceived(line: string): void {
    this.lineReceived(line);
  }

  /** As `lineLengthExceeded`. */
  override frameRejected(_error: FrameError, rest: Uint8Array): void {
    this.lineLengthExceeded(rest);
  }

  /** Lines, by the settings above. */
  protected makeFraming(): Framing<string> {
    return lines({ limit: this.maxLength, newline: this.delimiter });
  }

  /** Delivers a line, or in raw mode what there is. */
  protected override deliverOne(): boolean {
    if (!this.#raw) return super.deliverOne();
    const data = this.decoder.rest();
    if (data.length === 0) return false;
    this.rawDataReceived(data);
    return true;
  }
}

/**
 * Speaks in strings of bytes: what {@linkcode LengthPrefixedReceiver} and {@linkcode NetstringReceiver} have in common; a
 * framing of bytes of one's own makes a third.
 *
 * @example Strings that end with a zero
 * ```ts
 * import { connect, StringReceiver, TcpServer } from "@switchboard/kit";
 * import { delimited } from "@switchboard/kit/framing";
 * import { assertEquals } from "@std/assert";
 *
 * class Echo extends StringReceiver {
 *   override makeFraming() {
 *     return delimited(new Uint8Array([0]), { limit: this.maxLength });
 *   }
 *   override stringReceived(data: Uint8Array) {
 *     this.sendString(data);
 *   }
 * }
 * await using server = await new TcpServer(Echo, { port: 0 }).listen();
 * const serving = server.serveForever();
 * using conn = await connect(server.addr);
 * await conn.sendAll("hello\0");
 * assertEquals(await conn.readExactly(6), new TextEncoder().encode("hello\0"));
 * await server.shutdown();
 * await serving;
 * ```
 */
export abstract class StringReceiver extends FrameReceiver<Uint8Array> {
  /** The longest string in bytes. */
  maxLength = 99_999;
  #framing: Framing<Uint8Array> | undefined;

  /**
   * Called with every string.
   *
   * @param data its bytes
   */
  abstract stringReceived(data: Uint8Array): void;

  /**
   * Called when a string is announced that is too long, before it arrives, or when what comes is none. Closes the
   * connection.
   *
   * @param _error what is wrong
   */
  lengthLimitExceeded(_error: FrameError): void {
    this.transport.loseConnection();
  }

  /**
   * Sends a string.
   *
   * @param data its bytes
   * @throws {FrameTooLargeError} if it is longer than `maxLength`
   */
  sendString(data: Uint8Array): void {
    this.#framing ??= this.makeFraming();
    this.transport.write(this.#framing.encode(data));
  }

  /** As `stringReceived`. */
  frameReceived(data: Uint8Array): void {
    this.stringReceived(data);
  }

  /** As `lengthLimitExceeded`. */
  override frameRejected(error: FrameError): void {
    this.lengthLimitExceeded(error);
  }
}

/**
 * Speaks in strings that have their length in front, in four bytes unless told otherwise. Twisted's `Int8StringReceiver`,
 * `Int16StringReceiver` and `Int32StringReceiver`.
 *
 * @example
 * ```ts
 * import { connect, LengthPrefixedReceiver, TcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * class Echo extends LengthPrefixedReceiver {
 *   override prefix = 2 as const;
 *   override stringReceived(data: Uint8Array) {
 *     this.sendString(data);
 *   }
 * }
 * await using server = await new TcpServer(Echo).listen();
 * const serving = server.serveForever();
 * using conn = await connect(server.addr);
 * await conn.sendAll(new Uint8Array([0, 3, 1, 2, 3]));
 * assertEquals(await conn.readExactly(5), new Uint8Array([0, 3, 1, 2, 3]));
 * await server.shutdown();
 * await serving;
 * ```
 */
export abstract class LengthPrefixedReceiver extends StringReceiver {
  /** The size of the length, in bytes. */
  prefix: 1 | 2 | 4 = 4;

  /** Strings with their length in front. */
  protected makeFraming(): Framing<Uint8Array> {
    const most = 2 ** (8 * this.prefix) - 1;
    return lengthPrefixed({ prefix: this.prefix, limit: Math.min(most, this.maxLength) });
  }
}

/**
 * Speaks in netstrings. Twisted's `NetstringReceiver`.
 *
 * @example
 * ```ts
 * import { connect, NetstringReceiver, TcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * class Echo extends NetstringReceiver {
 *   override stringReceived(data: Uint8Array) {
 *     this.sendString(data);
 *   }
 * }
 * await using server = await new TcpServer(Echo, { port: 0 }).listen();
 * const serving = server.serveForever();
 * using conn = await connect(server.addr);
 * await conn.sendAll("5:hello,");
 * assertEquals(await conn.readExactly(8), new TextEncoder().encode("5:hello,"));
 * await server.shutdown();
 * await serving;
 * ```
 */
export abstract class NetstringReceiver extends StringReceiver {
  /** Netstrings. */
  protected makeFraming(): Framing<Uint8Array> {
    return netstrings({ limit: this.maxLength });
  }
}
