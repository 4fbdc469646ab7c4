/**
 * The protocol of Redis, RESP2, as a server speaks it: bytes of requests to bytes of replies. It knows no
 * socket.
 *
 * https://redis.io/docs/latest/develop/reference/protocol-spec
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** More arguments than a command may have. */
const MOST_ARGUMENTS = 1_024;
/** No argument, and no inline command, is longer, in bytes. */
const LONGEST_ARGUMENT = 1_048_576;
/** No request takes more while it is not whole, in bytes. */
const LONGEST_REQUEST = 16_777_216;

const CR = 13;
const LF = 10;
const SPACE = 32;
const ARRAY = "*".charCodeAt(0);
const BULK = "$".charCodeAt(0);

/** What a request is run against; see `redis_server.ts`. */
export interface Commands {
  /** Runs one command and writes its reply. */
  run(request: Request, reply: Reply): void;
}

/** A client whose bytes cannot be understood. The dialogue is over. */
class ProtocolError extends Error {}

/** One client's side of the dialogue. */
export class Session {
  readonly #commands: Commands;
  readonly #request = new Request();
  readonly #reply = new Reply();
  #rest: Uint8Array | undefined;
  #over = false;

  constructor(commands: Commands) {
    this.#commands = commands;
  }

  /** Whether the client is to be hung up on when it has its replies. */
  get over(): boolean {
    return this.#over || this.#reply.isLast;
  }

  /**
   * Runs every command that is whole in what has come, in one pass, and gives all replies for one write. The
   * replies are good until the next call; what is not whole waits for it.
   */
  receive(chunk: Uint8Array): Uint8Array {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : asBuffer(chunk);
    this.#reply.clear();
    const at = this.#runAll(bytes);
    // A copy: the caller may use its buffer again.
    this.#rest = at < bytes.length ? new Uint8Array(bytes.subarray(at)) : undefined;
    return this.#reply.bytes;
  }

  #runAll(bytes: Buffer): number {
    const request = this.#request;
    let at = 0;
    try {
      while (at < bytes.length && !this.over) {
        const next = request.read(bytes, at);
        if (next < 0) break;
        at = next;
        if (request.count > 0) this.#commands.run(request, this.#reply);
      }
      if (bytes.length - at > LONGEST_REQUEST) throw new ProtocolError("too big request");
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#reply.error(`ERR Protocol error: ${error.message}`);
      this.#over = true;
    }
    return at;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * One command with its arguments: where they stand in the bytes that came. Used for all commands of a client,
 * one after the other, as making an object for each would cost as much as running it.
 */
export class Request {
  /** How many arguments, the command itself included. */
  count = 0;
  #bytes: Buffer = Buffer.alloc(0);
  /** Where each argument begins and ends, two entries for each. */
  readonly #places: number[] = [];
  #at = 0;

  /**
   * Reads the command that begins at `at`.
   *
   * @returns where the next one begins; -1 if this one is not whole yet
   * @throws {ProtocolError} if it is none
   */
  read(bytes: Buffer, at: number): number {
    this.#bytes = bytes;
    if (bytes[at] !== ARRAY) return this.#readInline(at);
    this.#at = at + 1;
    const count = this.#readLength(MOST_ARGUMENTS, "invalid multibulk length");
    for (let i = 0; i < count; i++) {
      if (!this.#readBulk(i * 2)) return -1;
    }
    this.count = count;
    return count < 0 ? -1 : this.#at;
  }

  #readBulk(place: number): boolean {
    const bytes = this.#bytes;
    if (this.#at >= bytes.length) return false;
    if (bytes[this.#at] !== BULK) {
      throw new ProtocolError(`expected '$', got '${String.fromCharCode(bytes[this.#at])}'`);
    }
    this.#at++;
    const length = this.#readLength(LONGEST_ARGUMENT, "invalid bulk length");
    const end = this.#at + length;
    if (length < 0 || end + 2 > bytes.length) return false;
    this.#places[place] = this.#at;
    this.#places[place + 1] = end;
    this.#at = end + 2;
    return true;
  }

  /** Reads digits up to the end of the line; -1 if it has not come yet. */
  #readLength(most: number, complaint: string): number {
    const bytes = this.#bytes;
    const start = this.#at;
    let value = 0;
    let i = start;
    for (let digit; i < bytes.length && (digit = bytes[i] - 48) >= 0 && digit <= 9; i++) {
      value = value * 10 + digit;
    }
    if (value > most) throw new ProtocolError(complaint);
    if (i < bytes.length && (bytes[i] !== CR || i === start)) throw new ProtocolError(complaint);
    if (i + 1 >= bytes.length) return -1;
    this.#at = i + 2;
    return value;
  }

  /** Words between spaces up to the end of the line, as somebody types them into telnet. */
  #readInline(at: number): number {
    const bytes = this.#bytes;
    const end = bytes.indexOf(LF, at);
    if (end < 0) {
      if (bytes.length - at > LONGEST_ARGUMENT) throw new ProtocolError("too big inline request");
      return -1;
    }
    this.count = 0;
    const stop = bytes[end - 1] === CR && end > at ? end - 1 : end;
    for (let start = at, i = at; i <= stop; i++) {
      if (i < stop && bytes[i] !== SPACE) continue;
      if (i > start) this.#addWord(start, i);
      start = i + 1;
    }
    return end + 1;
  }

  #addWord(start: number, end: number): void {
    if (this.count === MOST_ARGUMENTS) throw new ProtocolError("too many arguments");
    this.#places[this.count * 2] = start;
    this.#places[this.count++ * 2 + 1] = end;
  }

  /** An argument, a character for every byte: any bytes can be a key or a value. */
  text(i: number): string {
    const start = this.#places[i * 2];
    const end = this.#places[i * 2 + 1];
    if (end - start > 8) return this.#bytes.toString("latin1", start, end);
    let text = ""; // for a few bytes the call costs more
    for (let at = start; at < end; at++) text += String.fromCharCode(this.#bytes[at]);
    return text;
  }

  /** The command's name in capitals. */
  get name(): string {
    return this.text(0).toUpperCase();
  }

  /**
   * The first four letters of the command's name in one number, in capitals: faster to tell apart than text.
   */
  get code(): number {
    const start = this.#places[0];
    const bytes = this.#bytes;
    if (this.#places[1] - start > 4) return 0;
    let code = 0;
    for (let i = start; i < this.#places[1]; i++) code = code << 8 | bytes[i] & 0xdf;
    return code;
  }
}

/** The {@linkcode Request.code} of a command with at most four letters. */
export function codeOf(name: string): number {
  return [...name].reduce((code, letter) => code << 8 | letter.charCodeAt(0), 0);
}

const OK = Buffer.from("+OK\r\n");
const PONG = Buffer.from("+PONG\r\n");
const NOTHING = Buffer.from("$-1\r\n");
const SMALLEST = 1_024;

/** Replies, one behind the other, in one buffer. */
export class Reply {
  /** Whether nothing follows the replies so far. */
  isLast = false;
  #buffer: Buffer = Buffer.alloc(SMALLEST);
  #length = 0;

  /** What has been written; good until {@linkcode Reply.clear}. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  ok(): void {
    this.#raw(OK);
  }

  pong(): void {
    this.#raw(PONG);
  }

  /** What Redis says for a key that is not there. */
  nothing(): void {
    this.#raw(NOTHING);
  }

  error(message: string): void {
    this.#text(`-${message.replace(/[\r\n]/g, " ")}\r\n`);
  }

  integer(value: number): void {
    this.#text(`:${value}\r\n`);
  }

  /** The head of an array: `count` replies follow. */
  array(count: number): void {
    this.#text(`*${count}\r\n`);
  }

  /** A value. */
  bulk(value: string): void {
    this.#text(`$${value.length}\r\n`);
    this.#text(value);
    this.#text("\r\n");
  }

  #raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    const buffer = this.#buffer;
    for (let i = 0; i < bytes.length; i++) buffer[this.#length++] = bytes[i];
  }

  #text(text: string): void {
    this.#reserve(text.length);
    const buffer = this.#buffer;
    if (text.length > 32) this.#length += buffer.write(text, this.#length, "latin1");
    else for (let i = 0; i < text.length; i++) buffer[this.#length++] = text.charCodeAt(i);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#buffer.length) return;
    const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#length + more));
    larger.set(this.bytes);
    this.#buffer = larger;
  }
}
