/**
 * Cutting at newlines.
 *
 * @module
 */
import type { ByteQueue } from "./_byte_queue.ts";
import { DelimiterCutter } from "./_delimiter_cutter.ts";

const CR = 13;

/** How the lines of an input end. */
export interface LineEnding {
  /** The bytes that end a line. */
  delimiter: Uint8Array;
  /** Whether a carriage return in front of the delimiter belongs to the delimiter. */
  dropCr: boolean;
}

/** Cuts lines as bytes. The input's end ends a line too. */
export class LineCutter extends DelimiterCutter {
  readonly #dropCr: boolean;

  /**
   * @param ending How lines end.
   * @param limit The longest line in bytes, without its newline.
   */
  constructor(ending: LineEnding, limit: number) {
    super(ending.delimiter, limit);
    this.#dropCr = ending.dropCr;
  }

  cutLast(bytes: ByteQueue): Uint8Array {
    return this.takeUnended(bytes);
  }

  protected override frameLength(bytes: ByteQueue, length: number): number {
    return this.#dropCr && length > 0 && bytes.byteAt(length - 1) === CR ? length - 1 : length;
  }
}
