/**
 * The writing half of a connection.
 *
 * @module
 */
import { SEND_QUEUE_SIZE, SendQueue } from "./_buffers.ts";
import { Failure } from "./_failure.ts";
import { ignore, rejected } from "./_inbound.ts";
import type { Transport } from "./_transport.ts";
import { Watchdog } from "./_watchdog.ts";

/**
 * Writes on behalf of callers, one after the other: each one's bytes go out whole and in the order of the calls.
 *
 * `sendAll` writes directly while nothing else is on its way; what `send` has queued goes out before it.
 */
export class Outbound {
  /** Bytes that the kernel has taken since the beginning. */
  total = 0;
  /** Started anew by every byte. */
  activity: Watchdog | undefined;
  /** Called when there may be room again, or a failure has come: a poller's. */
  watcher: (() => void) | undefined;
  readonly #transport: Transport;
  readonly #cutOff: (error: unknown, reason: "write-timeout" | "closed") => void;
  readonly #queue: SendQueue = new SendQueue();
  #failure: Failure | undefined;
  #ended = false;
  /** What is being written, from `#offset` on; whose it is: a job's, or nobody's (the queue's). */
  #bytes: Uint8Array | undefined;
  #offset = 0;
  #job: Job | undefined;
  /** The promise of a write that went straight to the kernel. */
  #direct: Promise<void> | undefined;
  /** Who waits for a turn. */
  #jobs: Job[] | undefined;
  #pumpDue = false;
  /** Whether a caller keeps its turn; between its writes `#bytes` is empty, and not `undefined`. */
  #held = false;
  #watchdog: Watchdog | undefined;

  /**
   * @param cutOff called when the peer took nothing within the limit, or a caller gave up: how much has gone out is then
   * unknown, so the stream is over
   */
  constructor(transport: Transport, cutOff: (error: unknown, reason: "write-timeout" | "closed") => void) {
    this.#transport = transport;
    this.#cutOff = cutOff;
  }

  /** The longest wait for the peer to take a byte, in milliseconds. */
  get timeout(): number | undefined {
    return this.#watchdog?.limit;
  }

  set timeout(ms: number | undefined) {
    this.#watchdog?.close();
    this.#watchdog = ms === undefined ? undefined : new Watchdog(ms, this.#expired);
    if (this.#bytes?.length) this.#watchdog?.start();
  }

  /** How many bytes `send` would take now. */
  get room(): number {
    return this.#failure || this.#ended || this.#jobs ? 0 : SEND_QUEUE_SIZE - this.#queue.length;
  }

  /** Whether `push` would do more than say 0: there is room, or an error to throw. */
  get answers(): boolean {
    if (this.#jobs === undefined && this.#queue.length < SEND_QUEUE_SIZE) return true;
    return this.#failure !== undefined || this.#ended;
  }

  /** Whether everything has gone out. */
  get idle(): boolean {
    return !this.#bytes && this.#queue.length === 0 && !this.#jobs;
  }

  /** Copies what there is room for, to go out soon; says how much. Throws what an earlier write has met with. */
  push(bytes: Uint8Array): number {
    this.#check();
    if (this.#jobs) return 0; // whoever waits for a turn came first
    const n = this.#queue.push(bytes);
    if (n > 0 && !this.#bytes && !this.#pumpDue) {
      this.#pumpDue = true; // not at once: several sends of one turn make one write
      queueMicrotask(this.#pump);
    }
    return n;
  }

  /** Resolves when all of `bytes` is with the kernel. */
  write(bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (this.#failure) return rejected(this.#failure.error);
    if (this.#ended) return rejected(ended());
    if (signal?.aborted) return rejected(signal.reason);
    if (bytes.length === 0) return DONE;
    if (this.idle && !signal) return this.#writeDirectly(bytes);
    const job = new Job(bytes);
    if (signal) this.#listen(signal, job);
    if (this.idle) this.#run(job);
    else (this.#jobs ??= []).push(job);
    return job.promise;
  }

  /** The usual case, with one promise: nothing else is on its way, and the kernel takes all at once. */
  #writeDirectly(bytes: Uint8Array): Promise<void> {
    this.#bytes = bytes;
    this.#watchdog?.start();
    return this.#direct = this.#transport.write(bytes).then(this.#wroteDirectly, this.#failedDirectly);
  }

  #wroteDirectly = (n: number): Promise<void> | void => {
    if (this.#failure) throw this.#failure.error;
    const bytes = this.#bytes!;
    if (n < bytes.length) return this.#writeRest(bytes, n);
    this.#direct = undefined;
    this.#account(n);
    this.#turn();
  };

  #failedDirectly = (error: unknown): never => {
    this.fail(Failure.of(error));
    throw this.#failure!.error;
  };

  /** What a slow peer's kernel had no room for goes on as a job. */
  #writeRest(bytes: Uint8Array, n: number): Promise<void> {
    const job = this.#job = new Job(bytes);
    this.#offset = 0;
    this.#wrote(n);
    return job.promise;
  }

  /**
   * Resolves when everything before has gone out, and keeps the turn: until {@linkcode Outbound.release} nothing goes out
   * but what {@linkcode Outbound.writeHeld} is given.
   */
  hold(signal?: AbortSignal): Promise<void> {
    if (this.#failure) return rejected(this.#failure.error);
    if (this.#ended) return rejected(ended());
    if (signal?.aborted) return rejected(signal.reason);
    const job = new Job(EMPTY);
    job.holds = true;
    if (signal) this.#listen(signal, job);
    const next = this.idle;
    (this.#jobs ??= []).push(job);
    if (next) this.#pump();
    return job.promise;
  }

  /** Writes for the caller that keeps its turn. */
  writeHeld(bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (this.#failure) return rejected(this.#failure.error);
    if (signal?.aborted) {
      this.#cutOff(signal.reason, "closed");
      return rejected(signal.reason);
    }
    const job = new Job(bytes);
    if (signal) this.#listen(signal, job);
    this.#run(job);
    return job.promise;
  }

  /** Ends the turn that was kept. */
  release(): void {
    this.#held = false;
    if (!this.#failure) this.#turn();
  }

  /** Resolves when everything that was queued before has gone out. */
  flush(): Promise<void> {
    if (this.#failure) return rejected(this.#failure.error);
    if (this.idle) return DONE;
    const job = new Job(EMPTY);
    (this.#jobs ??= []).push(job);
    return job.promise;
  }

  /** Sends what is queued, and then the end. */
  async end(): Promise<void> {
    if (this.#ended) return;
    const flushed = this.flush();
    this.#ended = true;
    await flushed;
    await this.#transport.closeWrite();
  }

  /** Whether `error` is what callers of this half see. */
  hasRaised(error: unknown): boolean {
    return this.#failure?.isSeenAs(error) === true;
  }

  /** Ends every write, now and later; what is queued is dropped. */
  fail(failure: Failure): void {
    this.#failure ??= failure;
    this.#watchdog?.close();
    this.#queue.clear();
    this.#direct?.catch(ignore); // it rejects when its operation does
    const jobs = [...this.#job ? [this.#job] : [], ...this.#jobs ?? []];
    this.#job = this.#jobs = this.#bytes = undefined;
    for (const job of jobs) {
      job.promise.catch(ignore); // remembered: the next call throws it
      job.reject(this.#failure.error);
    }
    this.watcher?.();
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error;
    if (this.#ended) throw ended();
  }

  #run(job: Job): void {
    this.#job = job;
    this.#send(job.bytes);
  }

  #send(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#offset = 0;
    this.#watchdog?.start();
    this.#transport.write(bytes).then(this.#wrote, this.#failed);
  }

  #wrote = (n: number): void => {
    const bytes = this.#bytes;
    if (!bytes) return; // failed meanwhile
    this.#offset += n;
    this.#account(n);
    if (this.#offset < bytes.length) {
      this.#watchdog?.start();
      this.#transport.write(bytes.subarray(this.#offset)).then(this.#wrote, this.#failed);
      return;
    }
    const job = this.#job;
    this.#job = undefined;
    if (job) job.resolve();
    else this.#queue.left();
    this.#turn();
    this.watcher?.();
  };

  #account(n: number): void {
    this.total += n;
    this.activity?.start();
  }

  /** A write is done: whoever is next may go. */
  #turn(): void {
    this.#watchdog?.stop();
    this.#bytes = this.#held ? EMPTY : undefined;
    if (this.#jobs || this.#queue.length > 0) this.#pump();
  }

  /** What `send` queued goes first, then the next job: its caller called later or waits for that very queue. */
  #pump = (): void => {
    this.#pumpDue = false;
    while (!this.#bytes && !this.#failure) {
      if (this.#queue.length > 0) return this.#send(this.#queue.shift());
      const job = this.#jobs?.shift();
      if (this.#jobs?.length === 0) this.#jobs = undefined;
      if (!job) return;
      if (job.bytes.length > 0) return this.#run(job);
      if (job.holds) this.#keepTurn();
      job.resolve(); // a flush, or a turn that is kept
    }
  };

  #keepTurn(): void {
    this.#held = true;
    this.#bytes = EMPTY;
  }

  #failed = (error: unknown): void => {
    if (!this.#failure) this.fail(Failure.of(error));
  };

  #expired = (): void => {
    const error = new Deno.errors.TimedOut(`the peer took no byte within ${this.#watchdog!.limit} ms`);
    this.#cutOff(error, "write-timeout");
  };

  #listen(signal: AbortSignal, job: Job): void {
    const aborted = () => this.#cutOff(signal.reason, "closed");
    signal.addEventListener("abort", aborted, { once: true });
    const unlisten = () => signal.removeEventListener("abort", aborted);
    job.promise.then(unlisten, unlisten);
  }
}

/** Bytes that a caller waits to see written; none at all for a flush or a turn. */
class Job {
  readonly bytes: Uint8Array;
  /** Whether its caller keeps the turn. */
  holds = false;
  readonly promise: Promise<void>;
  resolve!: () => void;
  reject!: (error: unknown) => void;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}

const DONE = Promise.resolve();
const EMPTY = new Uint8Array(0);

function ended(): Error {
  return new Deno.errors.BrokenPipe("the writing half of this connection is closed");
}
