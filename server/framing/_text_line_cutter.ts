/**
 * Cutting lines of text.
 *
 * @module
 */
import type { ByteQueue } from "./_byte_queue.ts";
import { indexOfBytes } from "./_byte_search.ts";
import type { FrameCutter } from "./_frame_cutter.ts";
import { LineCutter, type LineEnding } from "./_line_cutter.ts";
import { FrameError } from "./errors.ts";

const CR = 13;
const LF = 10;

// A byte order mark is kept: what is decoded is a piece of a stream, and a line may begin with one.
const LENIENT = new TextDecoder("utf-8", { ignoreBOM: true });
const FATAL = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
/** What stands for invalid input in decoded text. */
const REPLACEMENT = "\u{FFFD}";

/**
 * How many bytes are decoded ahead: the first time, as a consumer that wants one line pays for all, and at most, as
 * a line that is kept may keep the text alive of which it is a part.
 */
const FIRST_WINDOW = 512;
const LARGEST_WINDOW = 16_384;

/**
 * Cuts lines as text.
 *
 * Decoding one line costs as much as decoding fifty at once. So all whole lines in a window of the chunk are
 * decoded in one go, and then cut as text. This changes no line: in UTF-8 a newline is never part of another
 * character, valid or not. What the window does not serve is left to a cutter of bytes: a line that began in an
 * earlier chunk, a line longer than the window, and what is wrong with a line.
 */
export class TextLineCutter implements FrameCutter<string> {
  readonly #lines: LineCutter;
  readonly #delimiter: Uint8Array;
  readonly #newline: string;
  readonly #dropCr: boolean;
  readonly #fatal: boolean;
  readonly #largestWindow: number;
  #window: number;

  /** The lines decoded ahead, each with its newline; empty if there are none. */
  #text = "";
  /** Where in `text` the next line begins. */
  #at = 0;
  /** Where in the chunk the lines decoded ahead end. */
  #stop = 0;

  /**
   * @param ending How lines end.
   * @param limit The longest line in bytes, without its newline.
   * @param fatal Whether invalid UTF-8 is an error.
   */
  constructor(ending: LineEnding, limit: number, fatal: boolean) {
    this.#lines = new LineCutter(ending, limit);
    this.#delimiter = ending.delimiter;
    this.#newline = LENIENT.decode(ending.delimiter);
    this.#dropCr = ending.dropCr;
    this.#fatal = fatal;
    // No line in a window this large can be over the limit, so that lines cut as text need no check.
    this.#largestWindow = Math.min(LARGEST_WINDOW, limit + ending.delimiter.length);
    this.#window = Math.min(FIRST_WINDOW, this.#largestWindow);
  }

  cut(bytes: ByteQueue): string | undefined {
    if (this.#text !== "" || this.#readAhead(bytes)) return this.#cutText(bytes);
    const line = this.#lines.cut(bytes);
    return line && this.#decode(line);
  }

  cutLast(bytes: ByteQueue): string {
    return this.#decode(this.#lines.cutLast(bytes));
  }

  cutAhead(bytes: ByteQueue, lines: string[]): void {
    while (this.#text !== "") lines.push(this.#cutText(bytes));
  }

  settle(bytes: ByteQueue): void {
    if (this.#text === "") return;
    bytes.at = this.#bytePosition(bytes);
    this.#text = "";
    this.#window = Math.min(FIRST_WINDOW, this.#largestWindow);
  }

  /** Takes the next line of the text. */
  #cutText(bytes: ByteQueue): string {
    const text = this.#text;
    const start = this.#at;
    const newline = text.indexOf(this.#newline, start);
    this.#at = newline + this.#newline.length;
    if (this.#at === text.length) {
      this.#text = "";
      bytes.at = this.#stop;
    }
    const end = this.#dropCr && text.charCodeAt(newline - 1) === CR ? newline - 1 : newline;
    return text.slice(start, end);
  }

  /** Decodes the whole lines in the window; tells whether there were any. */
  #readAhead(bytes: ByteQueue): boolean {
    if (bytes.heldLength > 0) return false;
    const { chunk, at } = bytes;
    const stop = this.#lastLineEnd(chunk, at, Math.min(at + this.#window, chunk.length));
    this.#window = Math.min(2 * this.#window, this.#largestWindow);
    if (stop === at) return false;
    try {
      this.#text = this.#decode(chunk.subarray(at, stop));
    } catch {
      // One of the lines is at fault. They are taken one by one until it is the first, and reported then.
      this.#window = Math.min(FIRST_WINDOW, this.#largestWindow);
      return false;
    }
    this.#at = 0;
    this.#stop = stop;
    return true;
  }

  /** The index behind the last delimiter between `start` and `end`, or `start`. */
  #lastLineEnd(chunk: Uint8Array, start: number, end: number): number {
    const size = this.#delimiter.length;
    for (let stop = end; stop >= start + size; stop--) {
      if (chunk[stop - 1] === LF && (size === 1 || chunk[stop - 2] === CR)) return stop;
    }
    return start;
  }

  /** Where in the chunk the next line of the text begins. */
  #bytePosition({ chunk, at }: ByteQueue): number {
    // No byte becomes more than one unit of text: if there are as many, each has become one, as in ASCII.
    if (this.#text.length === this.#stop - at) return at + this.#at;
    let position = at;
    for (let i = this.#text.indexOf(this.#newline); i < this.#at && i !== -1;) {
      position = indexOfBytes(chunk, this.#delimiter, position) + this.#delimiter.length;
      i = this.#text.indexOf(this.#newline, i + this.#newline.length);
    }
    return position;
  }

  #decode(bytes: Uint8Array): string {
    const text = LENIENT.decode(bytes);
    // Deno decodes fatally at a tenth of the speed, so that is asked only about text that may be invalid.
    if (this.#fatal && text.includes(REPLACEMENT)) assertUtf8(bytes);
    return text;
  }
}

function assertUtf8(bytes: Uint8Array): void {
  try {
    FATAL.decode(bytes);
  } catch (cause) {
    const size = bytes.length;
    throw new FrameError(`Cannot decode the line as it is not valid UTF-8: its size is ${size} bytes`, {
      cause,
    });
  }
}
