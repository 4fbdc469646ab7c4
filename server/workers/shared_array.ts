/**
 * Numbers that threads share.
 *
 * @module
 */
import { SharedClosedError } from "./errors.ts";
import { Lock } from "./lock.ts";

/** The types of number that a {@linkcode SharedArray} can have: signed and unsigned integers and floats, with their bits. */
export type SharedArrayType = "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "i64" | "u64" | "f32" | "f64";

/** `bigint` for the integers of 64 bits, `number` for all else. */
export type SharedNumber<T extends SharedArrayType> = T extends "i64" | "u64" ? bigint : number;

/** What another thread makes its {@linkcode SharedArray} of. It can be sent as often as you like. */
export interface SharedArrayHandle<T extends SharedArrayType = SharedArrayType> {
  /** The type of its numbers. */
  type: T;
  /** The memory. */
  buffer: SharedArrayBuffer;
  /** The name of its lock. */
  lock: string;
}

type Integers = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array;
type BigIntegers = BigInt64Array | BigUint64Array;
type View = Integers | BigIntegers | Float32Array | Float64Array;

/** Each type's view, and for floats the one that its bits are exchanged through, as there are no atomic floats. */
const VIEWS: Record<SharedArrayType, [view: ViewConstructor, bits?: ViewConstructor]> = {
  i8: [Int8Array],
  u8: [Uint8Array],
  i16: [Int16Array],
  u16: [Uint16Array],
  i32: [Int32Array],
  u32: [Uint32Array],
  i64: [BigInt64Array],
  u64: [BigUint64Array],
  f32: [Float32Array, Int32Array],
  f64: [Float64Array, BigInt64Array],
};

/** Where a float becomes its bits: views of one number. */
const SCRATCH_F64 = new Float64Array(1);
const SCRATCH_I64 = new BigInt64Array(SCRATCH_F64.buffer);
const SCRATCH_F32 = new Float32Array(SCRATCH_F64.buffer);
const SCRATCH_I32 = new Int32Array(SCRATCH_F64.buffer);

interface ViewConstructor {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike): View;
}

/**
 * Numbers in memory that all threads of the process share: `multiprocessing.Array`, and with one number
 * `multiprocessing.Value`.
 *
 * Send its `handle` to a worker, as often as you like, and make a `SharedArray` of it there. It has as many numbers for its whole
 * life.
 *
 * - One operation (`get`, `set`, `add`, `exchange`, `compareExchange`) is atomic, for floats too.
 * - Several are not: `set(0, get(0) + 1)` loses updates. Use `add`, or hold `lock` around them: it goes with the array.
 * - Child processes have memory of their own: this is for threads.
 *
 * Closing, also at the end of a `using` block, lets go of the memory on this side only.
 *
 * @typeParam T the type of its numbers
 *
 * @example
 * ```ts
 * import { SharedArray } from "@switchboard/kit/workers";
 * import { assertEquals } from "@std/assert";
 *
 * using array = new SharedArray("f64", [1, 2, 3]);
 * using elsewhere = new SharedArray(array.handle); // in a worker, as a rule
 * elsewhere.add(0, 0.5);
 * assertEquals(array.get(0), 1.5);
 * await array.lock.run(() => array.set(1, array.get(1) * array.get(2)));
 * assertEquals([...elsewhere], [1.5, 6, 3]);
 * ```
 */
export class SharedArray<T extends SharedArrayType = SharedArrayType>
  implements Disposable, Iterable<SharedNumber<T>> {
  /** The type of its numbers. */
  readonly type: T;
  /** How many there are. */
  readonly length: number;
  /** What other threads make theirs of. */
  readonly handle: SharedArrayHandle<T>;
  /** Its own lock, for more than one operation: Python's `get_lock()`. Nothing in here takes it by itself. */
  readonly lock: Lock;
  #view: View | undefined;
  #bits: Int32Array | BigInt64Array | undefined;

  /**
   * An array of so many zeros, or of these numbers.
   *
   * @throws {RangeError} if there is no such type, or no such length
   * @throws {TypeError} if a number does not fit the type (`bigint` for `"i64"` and `"u64"`)
   */
  constructor(type: T, content: number | Iterable<SharedNumber<T>>);
  /**
   * The array of a handle.
   *
   * @throws {TypeError} if the handle is none
   */
  constructor(handle: SharedArrayHandle<T>);
  constructor(source: T | SharedArrayHandle<T>, content: number | Iterable<SharedNumber<T>> = 0) {
    this.handle = typeof source === "string" ? allocate(source, content) : source;
    if (!(this.handle?.buffer instanceof SharedArrayBuffer)) {
      throw new TypeError("Cannot make a SharedArray: this is not the handle of one");
    }
    const [view, bits] = viewsOf(this.handle.type);
    this.type = this.handle.type;
    this.lock = new Lock(this.handle.lock);
    this.#view = new view(this.handle.buffer);
    this.#bits = bits && new bits(this.handle.buffer) as Int32Array | BigInt64Array;
    this.length = this.#view.length;
  }

  /**
   * The number at `index`.
   *
   * @throws {RangeError} if there is no such index
   * @throws {SharedClosedError} if it is closed; so do all operations
   */
  get(index: number): SharedNumber<T> {
    const view = this.#at(index);
    if (this.#bits) return this.#fromBits(Atomics.load(this.#bits as Int32Array, index));
    return Atomics.load(view as Int32Array, index) as SharedNumber<T>;
  }

  /** Puts a number at `index`; it is cut to the bits of the type, as typed arrays do it. */
  set(index: number, value: SharedNumber<T>): void {
    const view = this.#at(index);
    if (this.#bits) Atomics.store(this.#bits as Int32Array, index, this.#toBits(value as number) as number);
    else Atomics.store(view as Int32Array, index, value as number);
  }

  /** Adds to the number at `index`, as one operation; gives what it was before. */
  add(index: number, value: SharedNumber<T>): SharedNumber<T> {
    const view = this.#at(index);
    if (this.#bits) return this.#replace(index, (old) => old + (value as number));
    return Atomics.add(view as Int32Array, index, value as number) as SharedNumber<T>;
  }

  /** Puts a number at `index`; gives what it was before. */
  exchange(index: number, value: SharedNumber<T>): SharedNumber<T> {
    const view = this.#at(index);
    if (this.#bits) return this.#replace(index, () => value as number);
    return Atomics.exchange(view as Int32Array, index, value as number) as SharedNumber<T>;
  }

  /**
   * Puts a number at `index` if `expected` is there; gives what it was before. Floats are compared by their bits: -0 is not 0,
   * `NaN` is `NaN`.
   */
  compareExchange(index: number, expected: SharedNumber<T>, value: SharedNumber<T>): SharedNumber<T> {
    const view = this.#at(index);
    if (!this.#bits) {
      return Atomics.compareExchange(
        view as Int32Array,
        index,
        expected as number,
        value as number,
      ) as SharedNumber<T>;
    }
    const [before, after] = [this.#toBits(expected as number), this.#toBits(value as number)];
    return this.#fromBits(
      Atomics.compareExchange(this.#bits as Int32Array, index, before as number, after as number),
    );
  }

  /** Puts the same number everywhere, one after the other. */
  fill(value: SharedNumber<T>): this {
    for (let index = 0; index < this.length; index++) this.set(index, value);
    return this;
  }

  /** The numbers, each as it is when its turn comes. */
  *[Symbol.iterator](): IterableIterator<SharedNumber<T>> {
    for (let index = 0; index < this.length; index++) yield this.get(index);
  }

  /** Lets go of the memory on this side; the other threads keep it. Closing twice is harmless. */
  close(): void {
    this.#view = this.#bits = undefined;
  }

  /** Closes it, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  #at(index: number): View {
    if (!this.#view) throw new SharedClosedError("the array is closed on this thread");
    if (!(Number.isInteger(index) && index >= 0 && index < this.length)) {
      throw new RangeError(`There is no index ${index} in a SharedArray of ${this.length}`);
    }
    return this.#view;
  }

  /** Tries until nobody has come between: that is what the processor does for integers. */
  #replace(index: number, change: (old: number) => number): SharedNumber<T> {
    const bits = this.#bits as Int32Array;
    for (;;) {
      const before = Atomics.load(bits, index);
      const old = this.#fromBits(before);
      const after = this.#toBits(change(old as number)) as number;
      if (Atomics.compareExchange(bits, index, before, after) === before) return old;
    }
  }

  #toBits(value: number): number | bigint {
    if (this.type === "f32") {
      SCRATCH_F32[0] = value;
      return SCRATCH_I32[0];
    }
    SCRATCH_F64[0] = value;
    return SCRATCH_I64[0];
  }

  #fromBits(bits: number | bigint): SharedNumber<T> {
    if (this.type === "f32") {
      SCRATCH_I32[0] = bits as number;
      return SCRATCH_F32[0] as SharedNumber<T>;
    }
    SCRATCH_I64[0] = bits as bigint;
    return SCRATCH_F64[0] as SharedNumber<T>;
  }
}

function viewsOf(type: SharedArrayType): (typeof VIEWS)[SharedArrayType] {
  if (Object.hasOwn(VIEWS, type)) return VIEWS[type];
  throw new RangeError(
    `The type of a SharedArray must be one of ${Object.keys(VIEWS).join(", ")}: current value is ${type}`,
  );
}

function allocate<T extends SharedArrayType>(
  type: T,
  content: number | Iterable<SharedNumber<T>>,
): SharedArrayHandle<T> {
  const [view] = viewsOf(type);
  const numbers = typeof content === "number" ? [] : [...content];
  const length = typeof content === "number" ? content : numbers.length;
  if (!(Number.isInteger(length) && length >= 0)) {
    throw new RangeError(`The length of a SharedArray must be a whole number: current value is ${length}`);
  }
  const buffer = new SharedArrayBuffer(length * view.BYTES_PER_ELEMENT);
  (new view(buffer) as Float64Array).set(numbers as number[]);
  return { type, buffer, lock: crypto.randomUUID() };
}
