/**
 * Worker threads for work that keeps a processor busy.
 *
 * @module
 */
import { Backoff } from "../_backoff.ts";
import { Condition } from "../_condition.ts";
import { abridged, locate } from "../_module.ts";
import { AsyncResult } from "./async_result.ts";
import { PoolBrokenError, type WorkerLostError } from "./errors.ts";
import { Patience } from "./_patience.ts";
import { PoolTask } from "./_pool_task.ts";
import { PoolThread, type PoolThreadEvents } from "./_pool_thread.ts";

/** What a {@linkcode Pool} can be told. */
export interface PoolOptions {
  /**
   * How many threads there are at most. They are started when there is work for them.
   *
   * @default {navigator.hardwareConcurrency}
   */
  size?: number;
  /**
   * What a relative path is relative to: a URL (`import.meta.url`), or the path of a folder.
   *
   * @default the working directory
   */
  base?: string | URL;
  /**
   * How many tasks wait for a thread at most. `apply` beyond it rejects; `map` and `imap` wait for room.
   *
   * @default {10_000}
   */
  maxQueue?: number;
  /**
   * A thread is replaced when it has ended this many tasks: Python's `maxtasksperchild`.
   *
   * @default {Infinity}
   */
  maxTasksPerWorker?: number;
  /**
   * How many times in a row a thread may end by itself while it has no task. Then the pool gives up.
   *
   * @default {5}
   */
  maxRestarts?: number;
  /**
   * How long the module may take to load, in milliseconds.
   *
   * @default {30_000}
   */
  loadTimeout?: number;
}

/** Tasks of which nothing is known: any name, any arguments. */
export type AnyTasks = Record<string, (...args: unknown[]) => unknown>;

/** The names of the functions that a module exports. */
export type TaskName<T> =
  & { [K in keyof T]: T[K] extends (...args: never[]) => unknown ? K : never }[keyof T]
  & string;

/** The arguments of a task. */
export type TaskArguments<T, K extends keyof T> = T[K] extends (...args: infer A) => unknown ? A : never;

/** What a task returns, or promises. */
export type TaskResult<T, K extends keyof T> = T[K] extends (...args: never[]) => infer R ? Awaited<R>
  : never;

/** What `apply` can be told. */
export interface ApplyOptions {
  /**
   * Gives the task up when it aborts: the promise rejects with its reason at once. A task that waits is dropped; if it runs, its
   * thread is ended and replaced.
   */
  signal?: AbortSignal;
  /** What is moved to the thread rather than copied: array buffers, ports, streams among the arguments. */
  transfer?: Transferable[];
}

/** What `applyAsync` can be told. */
export interface ApplyAsyncOptions<R> extends ApplyOptions {
  /** Called with the result. */
  callback?: (result: R) => void;
  /** Called with what the task has thrown, or why it failed. */
  errorCallback?: (error: unknown) => void;
}

/** What `map` and `imap` can be told. */
export interface MapOptions {
  /**
   * How many items travel together. More is faster where a task is short.
   *
   * @default {1} and for `map`, if it can see how many there are, a quarter of each thread's share, up to 1000
   */
  chunkSize?: number;
  /** Gives it all up when it aborts, as for `apply`. */
  signal?: AbortSignal;
}

/** A task and what it is called with; the arguments may be left out where the task can do without. */
export type TaskApplication<T, K extends keyof T, O> = [] extends TaskArguments<T, K>
  ? [args?: TaskArguments<T, K>, options?: O]
  : [args: TaskArguments<T, K>, options?: O];

/** The most items that travel together unless it is said. */
const LARGEST_CHUNK = 1_000;

/**
 * A pool of worker threads for tasks that keep a processor busy: Python's `multiprocessing.Pool`.
 *
 * Functions cannot travel, so a pool is made of a module, and its exported functions are the tasks:
 * `new Pool<typeof import("./tasks.ts")>(import.meta.resolve("./tasks.ts"))`. The module is loaded once on each thread; on another
 * than the pool's, so what it keeps in variables is not shared. Arguments and results are copied, or transferred.
 *
 * - A thread has one task at a time. What a task throws reaches the caller: name, message, stack, cause, own properties.
 * - A thread that ends under its task (`Deno.exit`, an error that nobody caught) fails that task only, with a
 *   {@linkcode WorkerLostError}, and is replaced, with a back-off from 5 ms to a second if it happens again and again.
 * - A module that does not load, or threads that keep ending before they have done anything, break the pool: everything that
 *   waits, and all that comes later, rejects with a {@linkcode PoolBrokenError} of one line. It is not tried again.
 * - A pool that has nothing to do does not keep its program alive.
 * - A thread that runs out of memory ends the whole process: Deno cannot keep it to the thread.
 *
 * `close` takes no more tasks, and lets those there are end; `join` waits for that. `terminate` ends all at once, as does leaving
 * an `await using` block: what has not ended rejects with an `AbortError`.
 *
 * It needs the permission to read (or import) the module, and where the kit itself is on disk, the kit.
 *
 * @typeParam T the module with the tasks: `typeof import("./tasks.ts")` gives `apply` the types of its functions
 *
 * @example
 * ```ts
 * import { Pool } from "@switchboard/kit/workers";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const tasks = `export function fibonacci(n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
 *                export function spin() { for (;;); }`;
 * await using pool = new Pool("data:text/javascript," + encodeURIComponent(tasks), { size: 2 });
 *
 * assertEquals(await pool.apply("fibonacci", [20]), 6765);
 * assertEquals(await pool.map("fibonacci", [1, 2, 3, 4, 5, 6]), [1, 1, 2, 3, 5, 8]);
 * await assertRejects(() => pool.apply("spin", [], { signal: AbortSignal.timeout(50) }), DOMException);
 *
 * pool.close();
 * await pool.join();
 * ```
 */
export class Pool<T extends object = AnyTasks> implements AsyncDisposable {
  /** The URL of the module with the tasks. */
  readonly module: string;
  /** How many threads there are at most. */
  readonly size: number;
  readonly #name: string;
  readonly #maxQueue: number;
  readonly #maxTasks: number;
  readonly #maxRestarts: number;
  readonly #loadTimeout: number;
  readonly #queue = new Set<PoolTask>();
  readonly #running = new Map<PoolTask, PoolThread>();
  readonly #threads = new Set<PoolThread>();
  readonly #idle = new Set<PoolThread>();
  readonly #backoff = new Backoff();
  readonly #finished = Promise.withResolvers<void>();
  /** Told when there is room in the queue, or never will be. */
  readonly #room = new Condition();
  /** Calls of `map` and `imap` that have more tasks to come. */
  #jobs = 0;
  #failures = 0;
  #restart: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  /** Why no task can run any more. */
  #end: PoolBrokenError | DOMException | undefined;

  /**
   * No thread is started before there is a task.
   *
   * @param module the path or URL of the module with the tasks
   * @throws {RangeError} naming the first option that is out of range, and its value
   */
  constructor(module: string | URL, options: PoolOptions = {}) {
    const { size = navigator.hardwareConcurrency, maxQueue = 10_000, maxTasksPerWorker = Infinity } = options;
    const { maxRestarts = 5, loadTimeout = 30_000 } = options;
    checkCounts({ size, maxQueue, maxTasksPerWorker, maxRestarts, loadTimeout });
    this.module = locate(module, options.base);
    this.size = size;
    this.#name = abridged(String(module));
    this.#maxQueue = maxQueue;
    this.#maxTasks = maxTasksPerWorker;
    this.#maxRestarts = maxRestarts;
    this.#loadTimeout = loadTimeout;
  }

  /** How many tasks wait for a thread. */
  get queued(): number {
    return this.#queue.size;
  }

  /** How many tasks run. */
  get running(): number {
    return this.#running.size;
  }

  /** How many threads there are. */
  get workers(): number {
    return this.#threads.size;
  }

  /**
   * Runs a task and waits for its result.
   *
   * @param name an exported function of the module
   * @param args its arguments
   * @returns what it returns, or promises
   * @throws what it throws; the reason of the signal
   * @throws {WorkerLostError} if its thread ends under it
   * @throws {PoolBrokenError} if the pool cannot work
   * @throws {Deno.errors.Busy} if `maxQueue` tasks wait already
   * @throws {TypeError} if there is no such task, or the pool is closed
   * @throws {DOMException} `DataCloneError`, if an argument or the result cannot be copied; `AbortError`, if the pool is terminated
   */
  async apply<K extends TaskName<T>>(
    name: K,
    ...rest: TaskApplication<T, K, ApplyOptions>
  ): Promise<TaskResult<T, K>> {
    const [args = [] as unknown as TaskArguments<T, K>, options = {}] = rest;
    this.#assertOpen();
    this.#assertRoom();
    const [result] = await this.#enqueue(name, [args as unknown[]], options).results;
    return result as TaskResult<T, K>;
  }

  /**
   * Runs a task, and gives what its result can be asked from: Python's `apply_async`. One of the callbacks is called when it is
   * over; what a callback throws is reported as an uncaught error. Nothing is thrown here: a failure is the result's.
   */
  applyAsync<K extends TaskName<T>>(
    name: K,
    ...rest: TaskApplication<T, K, ApplyAsyncOptions<TaskResult<T, K>>>
  ): AsyncResult<TaskResult<T, K>> {
    const { callback, errorCallback = () => {} } = rest[1] ?? {}; // the result has the failure, too
    const result = this.apply(name, ...rest as TaskApplication<T, K, ApplyOptions>);
    result.then(callback, errorCallback).catch(reportError);
    return new AsyncResult(result);
  }

  /**
   * Runs a task for each item and waits for all results, which are in the order of the items. Items are taken when there is room
   * for them, so an endless iterable fills no memory but that of the results.
   *
   * @param items each becomes the one argument of a call
   * @throws as `apply` does; at the first failure in the order of the items, what still waits is dropped
   */
  async map<K extends TaskName<T>>(
    name: K,
    items: Iterable<TaskArguments<T, K>[0]> | AsyncIterable<TaskArguments<T, K>[0]>,
    options: MapOptions = {},
  ): Promise<TaskResult<T, K>[]> {
    const { chunkSize = this.#chunkSizeFor(items) } = options;
    return await Array.fromAsync(this.imap(name, items, { ...options, chunkSize }));
  }

  /**
   * Runs a task for each item, and gives the results as they are asked for, in the order of the items. It is ahead of whoever
   * asks by two chunks for each thread, no more. Leaving the loop drops what still waits.
   *
   * @throws {RangeError} if `chunkSize` is no whole number of at least 1; and as `map` does
   */
  imap<K extends TaskName<T>>(
    name: K,
    items: Iterable<TaskArguments<T, K>[0]> | AsyncIterable<TaskArguments<T, K>[0]>,
    options: MapOptions = {},
  ): AsyncIterableIterator<TaskResult<T, K>> {
    checkCounts({ chunkSize: options.chunkSize ?? 1 });
    this.#assertOpen();
    return this.#imap(name, items, options) as AsyncIterableIterator<TaskResult<T, K>>;
  }

  /** Takes no more tasks; those there are, end, and then the threads. Calling it twice is harmless. */
  close(): void {
    this.#closed = true;
    this.#settle();
  }

  /**
   * Waits until all tasks have ended and all threads are gone.
   *
   * @throws {TypeError} if the pool is open: it would wait for ever. Call `close` or `terminate` first
   */
  async join(): Promise<void> {
    if (!this.#closed) throw new TypeError("Cannot join a pool that is open: close or terminate it first");
    await this.#finished.promise;
  }

  /** Ends it now: no task goes on, all that have not ended reject with an `AbortError`. Resolves when the threads are gone. */
  async terminate(): Promise<void> {
    this.#closed = true;
    this.#stop(new DOMException("The pool was terminated", "AbortError"));
    for (const task of this.#running.keys()) task.fail(this.#end);
    this.#running.clear();
    for (const thread of this.#threads) thread.end();
    this.#settle();
    await this.#finished.promise;
  }

  /** Terminates it, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate();
  }

  async *#imap(
    name: string,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    { chunkSize = 1, signal }: MapOptions,
  ): AsyncGenerator<unknown> {
    const ahead: PoolTask[] = [];
    this.#jobs++;
    try {
      for await (const calls of chunks(items, chunkSize)) {
        if (ahead.length >= this.size * 2) yield* await ahead.shift()!.results;
        await this.#untilRoom(signal);
        ahead.push(this.#enqueue(name, calls, { signal }));
      }
      while (ahead.length > 0) yield* await ahead.shift()!.results;
    } finally {
      this.#jobs--;
      for (const task of ahead) this.#queue.delete(task);
      this.#settle();
    }
  }

  #chunkSizeFor(items: object): number {
    const { length, size } = items as { length?: unknown; size?: unknown };
    const count = typeof length === "number" ? length : typeof size === "number" ? size : 0;
    return Math.min(Math.max(Math.ceil(count / (this.size * 4)), 1), LARGEST_CHUNK);
  }

  #enqueue(name: string, calls: unknown[][], options: ApplyOptions): PoolTask {
    options.signal?.throwIfAborted();
    const task = new PoolTask(name, calls, options, this.#aborted);
    if (this.#end) task.fail(this.#end);
    else this.#queue.add(task);
    this.#pump();
    return task;
  }

  #aborted = (task: PoolTask): void => {
    this.#queue.delete(task);
    this.#running.get(task)?.end();
    this.#running.delete(task);
    this.#settle();
  };

  /** Gives tasks to threads that have none, and starts threads for those that are left. */
  #pump(): void {
    for (const thread of this.#idle) {
      const [task] = this.#queue;
      if (!task) break;
      this.#queue.delete(task);
      this.#give(thread, task);
    }
    this.#room.notify();
    if (this.#restart !== undefined) return;
    const starting = [...this.#threads].filter(({ state }) => state === "loading").length;
    const missing = Math.min(this.#queue.size - starting, this.size - this.#threads.size);
    for (let n = 0; n < missing; n++) this.#start();
  }

  #give(thread: PoolThread, task: PoolTask): void {
    try {
      thread.run(task);
      this.#idle.delete(thread);
      this.#running.set(task, thread);
    } catch (error) {
      task.fail(error); // its arguments cannot be sent
    }
  }

  #start(): void {
    const load = { load: this.module, name: this.#name };
    this.#threads.add(new PoolThread(load, this.#loadTimeout, this.#events));
  }

  readonly #events: PoolThreadEvents = {
    idle: (thread) => this.#rested(thread),
    unable: (reason, cause) => this.#break(`Cannot load the tasks of ${this.#name}: ${reason}`, cause),
    gone: (thread, lost, task) => this.#gone(thread, lost, task),
  };

  #rested(thread: PoolThread): void {
    if (thread.done > 0) {
      this.#failures = 0;
      this.#backoff.reset();
    }
    for (const [task, at] of this.#running) if (at === thread) this.#running.delete(task);
    if (thread.done >= this.#maxTasks || this.#end) thread.end();
    else this.#idle.add(thread);
    this.#pump();
    this.#settle();
  }

  #gone(thread: PoolThread, lost: WorkerLostError | undefined, task: PoolTask | undefined): void {
    this.#threads.delete(thread);
    this.#idle.delete(thread);
    if (task) this.#running.delete(task);
    if (lost) this.#replace(lost, task);
    this.#pump();
    this.#settle();
  }

  /** A thread has ended by itself: the next one comes after a while. */
  #replace(lost: WorkerLostError, task: PoolTask | undefined): void {
    task?.fail(lost);
    if (!task && ++this.#failures >= this.#maxRestarts) {
      return this.#break(
        `The threads of ${this.#name} end before they have done anything: ${lost.message}`,
        lost,
      );
    }
    this.#restart ??= setTimeout(() => {
      this.#restart = undefined;
      this.#pump();
    }, this.#backoff.next());
  }

  #break(message: string, cause: unknown): void {
    this.#stop(new PoolBrokenError(message, { cause }));
    for (const thread of this.#threads) if (thread.state !== "busy") thread.end();
    this.#settle();
  }

  /** No task is begun any more. */
  #stop(why: PoolBrokenError | DOMException): void {
    this.#end ??= why;
    clearTimeout(this.#restart);
    this.#restart = undefined;
    for (const task of this.#queue) task.fail(this.#end);
    this.#queue.clear();
    this.#room.notify();
  }

  /** Ends the threads when there is nothing more to come. */
  #settle(): void {
    if (!this.#closed || this.#queue.size + this.#running.size + this.#jobs > 0) return;
    clearTimeout(this.#restart);
    for (const thread of this.#threads) thread.end();
    if (this.#threads.size === 0) this.#finished.resolve();
  }

  #assertOpen(): void {
    if (this.#end instanceof PoolBrokenError) throw this.#end;
    if (this.#closed) throw new TypeError("The pool is closed: it takes no more tasks");
  }

  #assertRoom(): void {
    if (this.#queue.size < this.#maxQueue) return;
    throw new Deno.errors.Busy(`The queue of the pool is full: ${this.#queue.size} tasks wait`);
  }

  async #untilRoom(signal?: AbortSignal): Promise<void> {
    if (this.#queue.size < this.#maxQueue) return;
    using patience = new Patience({ signal }, "Cannot map");
    while (this.#queue.size >= this.#maxQueue) await patience.for(this.#room.changed());
  }
}

/** Lists of argument lists. */
async function* chunks(
  items: Iterable<unknown> | AsyncIterable<unknown>,
  size: number,
): AsyncGenerator<unknown[][]> {
  let chunk: unknown[][] = [];
  for await (const item of items) {
    if (chunk.push([item]) < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** `Infinity` is no size. */
function checkCounts(counts: Record<string, number>): void {
  for (const [name, value] of Object.entries(counts)) {
    if (value >= 1 && (Number.isInteger(value) || (value === Infinity && name !== "size"))) continue;
    throw new RangeError(`Option "${name}" must be a whole number of at least 1: current value is ${value}`);
  }
}
