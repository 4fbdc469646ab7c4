/**
 * The writing half of a connection.
 *
 * @module
 */
import { SEND_QUEUE_SIZE, SendQueue } from "./_buffers.ts";
import { ignore } from "./_inbound.ts";
import type { Transport } from "./_transport.ts";
import { Watchdog } from "./_watchdog.ts";

/**
 * Writes on behalf of callers, one after the other: each one's bytes go out whole and in the order of the calls.
 *
 * `sendAll` writes directly while nothing else is on its way; what `send` has queued goes out before it.
 */
export class Outbound {
  /** The error that callers see. */
  get raised(): unknown {
    return this.#failure?.error;
  }

  /** Bytes that the kernel has taken since the beginning. */
  total = 0;
  /** Started anew by every byte. */
  activity: Watchdog | undefined;
  readonly #transport: Transport;
  readonly #cutOff: (error: unknown) => void;
  readonly #queue: SendQueue = new SendQueue();
  #failure: { error: unknown } | undefined;
  #ended = false;
  /** What is being written, from `#offset` on; whose it is: a job's, or nobody's (the queue's). */
  #bytes: Uint8Array | undefined;
  #offset = 0;
  #job: Job | undefined;
  /** Who waits for a turn. */
  #jobs: Job[] | undefined;
  #pumpDue = false;
  #watchdog: Watchdog | undefined;

  /**
   * @param cutOff called when the peer took nothing within the limit, or a caller gave up: how much has gone out is then
   * unknown, so the stream is over
   */
  constructor(transport: Transport, cutOff: (error: unknown) => void) {
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
    if (this.#bytes) this.#watchdog?.start();
  }

  /** How many bytes `send` would take now. */
  get room(): number {
    return this.#failure || this.#ended || this.#jobs ? 0 : SEND_QUEUE_SIZE - this.#queue.length;
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
    if (this.#ended) {
      return rejected(new Deno.errors.BrokenPipe("the writing half of this connection is closed"));
    }
    if (signal?.aborted) return rejected(signal.reason);
    if (bytes.length === 0) return DONE;
    const job = new Job(bytes);
    if (signal) this.#listen(signal, job);
    if (this.idle) this.#run(job);
    else (this.#jobs ??= []).push(job);
    return job.promise;
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

  /** Ends every write, now and later, with `error`; what is queued is dropped. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#watchdog?.close();
    this.#queue.clear();
    const jobs = [...this.#job ? [this.#job] : [], ...this.#jobs ?? []];
    this.#job = this.#jobs = this.#bytes = undefined;
    for (const job of jobs) {
      job.promise.catch(ignore); // remembered: the next call throws it
      job.reject(this.#failure.error);
    }
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error;
    if (this.#ended) throw new Deno.errors.BrokenPipe("the writing half of this connection is closed");
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
    this.total += n;
    this.activity?.start();
    if (this.#offset < bytes.length) {
      this.#watchdog?.start();
      this.#transport.write(bytes.subarray(this.#offset)).then(this.#wrote, this.#failed);
      return;
    }
    this.#watchdog?.stop();
    this.#bytes = undefined;
    const job = this.#job;
    if (job) {
      this.#job = undefined;
      job.resolve();
    } else this.#queue.left();
    if (this.#jobs || this.#queue.length > 0) this.#pump();
  };

  /** What `send` queued goes first, then the next job: its caller called later or waits for that very queue. */
  #pump = (): void => {
    this.#pumpDue = false;
    while (!this.#bytes && !this.#failure) {
      if (this.#queue.length > 0) return this.#send(this.#queue.shift());
      const job = this.#jobs?.shift();
      if (this.#jobs?.length === 0) this.#jobs = undefined;
      if (!job) return;
      if (job.bytes.length > 0) return this.#run(job);
      job.resolve(); // a flush
    }
  };

  #failed = (error: unknown): void => {
    if (this.#failure) return;
    this.fail(error);
  };

  #expired = (): void => {
    this.#cutOff(new Deno.errors.TimedOut(`the peer took no byte within ${this.#watchdog!.limit} ms`));
  };

  #listen(signal: AbortSignal, job: Job): void {
    const aborted = () => this.#cutOff(signal.reason);
    signal.addEventListener("abort", aborted, { once: true });
    const unlisten = () => signal.removeEventListener("abort", aborted);
    job.promise.then(unlisten, unlisten);
  }
}

/** Bytes that a caller waits to see written; none at all for a flush. */
class Job {
  readonly bytes: Uint8Array;
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

/** A rejection that is also remembered elsewhere, and so need not be awaited. */
function rejected(error: unknown): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(ignore);
  return promise;
}
