/**
 * One thread of a pool, as the pool sees it.
 *
 * @module
 */
import type { Worker } from "node:worker_threads";
import { startNodeThread } from "./_entry.ts";
import { WorkerLostError } from "./errors.ts";
import type { PoolOrder, PoolWord } from "./_pool_messages.ts";
import type { PoolTask } from "./_pool_task.ts";
import { unpackError } from "./_remote_error.ts";

/**
 * How long a thread may take to end by itself, in milliseconds, before it is ended. To end it at a moment when the runtime loads
 * a part of itself brings the whole process down (Deno 2.9.6): so a thread whose event loop turns is asked, and one that does not
 * answer in this time is most likely in a loop of its own.
 */
const GRACE = 100;
/** The same while it loads its module: that may keep it longer. */
const GRACE_WHILE_LOADING = 2_000;

/** Who wants to know what becomes of a thread. */
export interface PoolThreadEvents {
  /** It has loaded the module, or has ended a task: it can have one. */
  idle(thread: PoolThread): void;
  /** The module does not load. */
  unable(reason: string, error: unknown): void;
  /** It is no more. `lost`: it was not asked to end; `task`: the one it had then. */
  gone(thread: PoolThread, lost?: WorkerLostError, task?: PoolTask): void;
}

/** One thread of a pool. While it is idle, it does not keep the program alive. */
export class PoolThread {
  readonly #worker: Worker;
  readonly #events: PoolThreadEvents;
  readonly #gone = Promise.withResolvers<void>();
  #state: "loading" | "idle" | "busy" | "ending" | "gone" = "loading";
  #task: PoolTask | undefined;
  #uncaught: unknown;
  readonly #loading: ReturnType<typeof setTimeout> | undefined;
  /** How many tasks it has ended. */
  done = 0;

  /** Starts it. `loadTimeout`: how long it may take to load its module. */
  constructor(load: PoolOrder, loadTimeout: number, events: PoolThreadEvents) {
    this.#events = events;
    const late = (): void => events.unable(`it has not loaded within ${loadTimeout} ms`, undefined);
    this.#loading = loadTimeout < 2 ** 31 ? setTimeout(late, loadTimeout) : undefined;
    this.#worker = startNodeThread("pool", `switchboard:pool:${crypto.randomUUID()}`);
    this.#worker.on("message", (word: PoolWord) => this.#heard(word));
    this.#worker.on("error", (error) => this.#uncaught ??= error); // and "exit" follows
    this.#worker.on("exit", (code) => this.#exited(code));
    this.#worker.postMessage(load);
  }

  /** What it does. */
  get state(): "loading" | "idle" | "busy" | "ending" | "gone" {
    return this.#state;
  }

  /**
   * Gives it a task.
   *
   * @throws {DOMException} `DataCloneError`, if the arguments cannot be sent; then it is idle still
   */
  run(task: PoolTask): void {
    const { id, name, calls, transfer } = task;
    this.#worker.postMessage({ task: id, name, calls } satisfies PoolOrder, transfer as never[]);
    this.#task = task;
    this.#state = "busy";
    this.#worker.ref();
  }

  /** Ends it: asks it first. Its task, if it has one, is no more its own. */
  end(): Promise<void> {
    if (this.#state === "ending" || this.#state === "gone") return this.#gone.promise;
    const grace = this.#state === "loading" ? GRACE_WHILE_LOADING : GRACE;
    clearTimeout(this.#loading);
    this.#state = "ending";
    this.#task = undefined;
    this.#worker.ref();
    this.#worker.postMessage({ end: true } satisfies PoolOrder);
    const timer = setTimeout(() => this.#worker.terminate(), grace);
    return this.#gone.promise.finally(() => clearTimeout(timer));
  }

  #heard(word: PoolWord): void {
    if ("uncaught" in word) this.#uncaught = unpackError(word.uncaught);
    else if (this.#state === "ending") return;
    else if ("unable" in word) this.#events.unable(word.unable, unpackError(word.error));
    else if ("ready" in word) this.#rest();
    else this.#answered(word);
  }

  #answered(word: Extract<PoolWord, { task: number }>): void {
    const task = this.#task;
    if (task?.id !== word.task) return;
    this.#task = undefined;
    this.done++;
    if ("results" in word) task.succeed(word.results);
    else task.fail(unpackError(word.error));
    this.#rest();
  }

  #rest(): void {
    clearTimeout(this.#loading);
    this.#state = "idle";
    this.#worker.unref();
    this.#events.idle(this);
  }

  #exited(code: number): void {
    if (this.#state === "gone") return;
    clearTimeout(this.#loading);
    const lost = this.#state === "ending" ? undefined : this.#lost(code);
    const task = this.#task;
    this.#state = "gone";
    this.#task = undefined;
    this.#gone.resolve();
    this.#events.gone(this, lost, task);
  }

  #lost(code: number): WorkerLostError {
    const cause = this.#uncaught;
    if (cause === undefined) return new WorkerLostError(`the worker thread has ended with code ${code}`);
    const message = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    return new WorkerLostError(`the worker thread has ended: nobody caught ${message}`, { cause });
  }
}
