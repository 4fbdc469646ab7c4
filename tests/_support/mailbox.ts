/**
 * Sources that do what a test says.
 *
 * @module
 */
import { EVENT_READ, EVENT_WRITE, type Readiness } from "../../multiplex/mod.ts";

/** A source whose items a test puts in, and which keeps count of who asks. */
export class Mailbox<T> implements Readiness<T> {
  readonly events = EVENT_READ | EVENT_WRITE;
  /** How often its readiness was asked for. */
  looks = 0;
  /** Whether it has room to send. */
  room = false;
  #items: (IteratorResult<T, undefined> | { error: unknown })[] = [];
  #listeners = new Set<(events: number) => void>();

  readiness(): this {
    return this;
  }

  /** Lets items arrive. */
  put(...values: T[]): this {
    for (const value of values) this.#add({ value, done: false });
    return this;
  }

  /** Lets a failure arrive. */
  fail(error: unknown): this {
    return this.#add({ error });
  }

  /** Lets room to send come or go. */
  setRoom(room: boolean): this {
    this.room = room;
    if (room) this.#tell(EVENT_WRITE);
    return this;
  }

  /** Calls the listeners although nothing has come. */
  cryWolf(): void {
    this.#tell(EVENT_READ);
  }

  /** How many pollers listen. */
  get watched(): number {
    return this.#listeners.size;
  }

  get ready(): number {
    this.looks++;
    return (this.#items.length > 0 ? EVENT_READ : 0) | (this.room ? EVENT_WRITE : 0);
  }

  prepare(): void {}

  take(): IteratorResult<T, undefined> | undefined {
    const item = this.#items.shift();
    if (item && "error" in item) throw item.error;
    return item;
  }

  watch(listener: (events: number) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #add(item: IteratorResult<T, undefined> | { error: unknown }): this {
    this.#items.push(item);
    this.#tell(EVENT_READ);
    return this;
  }

  #tell(events: number): void {
    for (const listener of this.#listeners) listener(events);
  }
}

/** An async iterator that a test answers, and that notes how it is treated. */
export class ScriptedIterator<T> implements AsyncIterableIterator<T> {
  /** How often `next` was called. */
  asked = 0;
  /** How often `return` was called. */
  returned = 0;
  #waiting: PromiseWithResolvers<IteratorResult<T>>[] = [];

  /** Answers the oldest `next` that waits. */
  give(value: T): void {
    this.#waiting.shift()!.resolve({ value, done: false });
  }

  /** Lets the oldest `next` that waits reject. */
  throwError(error: unknown): void {
    this.#waiting.shift()!.reject(error);
  }

  /** Ends the oldest `next` that waits. */
  end(): void {
    this.#waiting.shift()!.resolve({ value: undefined, done: true });
  }

  next(): Promise<IteratorResult<T>> {
    this.asked++;
    const waiting = Promise.withResolvers<IteratorResult<T>>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  return(): Promise<IteratorResult<T>> {
    this.returned++;
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
