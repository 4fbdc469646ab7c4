/**
 * Who waits to send, and what `send` has queued.
 *
 * @module
 */
import { SEND_QUEUE_SIZE, SendQueue } from "./_buffers.ts";
import type { Failure } from "./_failure.ts";
import { ignore } from "./_inbound.ts";

/** The way to the kernel, as the line needs it. */
export interface Wire {
  /** Whether something is on its way that did not stand in line, or nothing may be. */
  readonly taken: boolean;
  /** What ended it, if something has. */
  readonly failure: Failure | undefined;
  /** Writes, under the time limit; resolves to how many bytes the kernel has taken. */
  transmit(bytes: Uint8Array): Promise<number>;
  /** Counts bytes that the kernel has taken. */
  account(n: number): void;
  /** Nothing is on its way: the time limit rests. */
  rest(): void;
  /** Whoever watches is told that there may be room again. */
  tellRoom(): void;
  /** The kernel took no more. */
  failed(error: unknown): void;
  /** A caller gave up: how much has gone out is then unknown, so the stream is over. */
  giveUp(reason: unknown): void;
}

/** Callers that wait may share a write of so many bytes: a write costs more than copying that much. */
const LARGEST_SHARE = 65_536;

/**
 * One write at a time: first what `send` has queued, then the callers, each one's bytes whole, in the order of the calls;
 * those that stand in line together share a write.
 *
 * A connection has one from the moment when something cannot go straight to the kernel.
 */
export class SendLine {
  readonly #wire: Wire;
  readonly #queue = new SendQueue();
  /** What is being written, from `#offset` on; whose it is: the jobs that are not yet told, or nobody's (the queue's). */
  #bytes: Uint8Array | undefined;
  #offset = 0;
  #leaving: Job[] | undefined;
  /** Who waits for a turn. */
  #jobs: Job[] | undefined;
  #pumpDue = false;
  /** Whether a caller keeps its turn; between its writes `#bytes` is empty, and not `undefined`. */
  #held = false;
  /** Ends what that caller waits for. */
  #interrupt: ((error: unknown) => void) | undefined;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Whether nobody stands in it. */
  get empty(): boolean {
    return !this.#bytes && this.#queue.length === 0 && !this.#jobs;
  }

  /** Whether something of it is on its way. */
  get writing(): boolean {
    return this.#bytes !== undefined && this.#bytes.length > 0;
  }

  /** How many bytes `push` would take now. */
  get room(): number {
    return this.#jobs ? 0 : SEND_QUEUE_SIZE - this.#queue.length;
  }

  /** Copies what there is room for, to go out soon; says how much. */
  push(bytes: Uint8Array): number {
    if (this.#jobs) return 0; // whoever waits for a turn came first
    const n = this.#queue.push(bytes);
    if (n > 0 && !this.#bytes && !this.#wire.taken && !this.#pumpDue) {
      this.#pumpDue = true; // not at once: several sends of one turn make one write
      queueMicrotask(this.#pump);
    }
    return n;
  }

  /** Resolves, to their number, when all of `bytes` are with the kernel. */
  write(bytes: Uint8Array, signal?: AbortSignal): Promise<number> {
    const job = new Job(bytes);
    if (signal) this.#listen(signal, job);
    if (this.empty && !this.#wire.taken) this.#run(job);
    else (this.#jobs ??= []).push(job);
    return job.promise;
  }

  /** Goes on with what went past the line, and of which the kernel has taken the first `n` bytes only. */
  goOn(bytes: Uint8Array, n: number): Promise<number> {
    const job = new Job(bytes);
    this.#leaving = [job];
    this.#bytes = bytes;
    this.#offset = 0;
    this.#wrote(n);
    return job.promise;
  }

  /** Resolves when everything before has gone out, and keeps the turn until {@linkcode SendLine.release}. */
  hold(signal?: AbortSignal): Promise<unknown> {
    const job = new Job(EMPTY);
    job.holds = true;
    if (signal) this.#listen(signal, job);
    (this.#jobs ??= []).push(job);
    this.#pump();
    return job.promise;
  }

  /** What `work` resolves to, for the caller that keeps its turn; rejects as soon as the line fails. */
  whileHeld<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#interrupt = reject;
      work.then(resolve, reject);
      if (this.#wire.failure) reject(this.#wire.failure.error);
    });
  }

  /** Writes for the caller that keeps its turn. */
  writeHeld(bytes: Uint8Array): Promise<unknown> {
    const job = new Job(bytes);
    this.#run(job);
    return job.promise;
  }

  /** Ends the turn that was kept. */
  release(): void {
    this.#held = false;
    this.#interrupt = undefined;
    this.#turn();
  }

  /** Resolves when everything that stands in line has gone out. */
  flush(): Promise<unknown> {
    const job = new Job(EMPTY);
    (this.#jobs ??= []).push(job);
    return job.promise;
  }

  /** What went past the line has gone out: whoever is next may go. */
  next(): void {
    if (this.#jobs || this.#queue.length > 0) this.#pump();
  }

  /** Drops what is queued and tells everybody in line. */
  fail(error: unknown): void {
    this.#queue.clear();
    const jobs = [...this.#leaving ?? [], ...this.#jobs ?? []];
    this.#leaving = this.#jobs = this.#bytes = undefined;
    this.#interrupt?.(error);
    for (const job of jobs) {
      job.promise.catch(ignore); // remembered: the next call throws it
      job.reject(error);
    }
  }

  #run(job: Job): void {
    this.#leaving = [job];
    this.#send(job.bytes);
  }

  /** The job, and as many of those behind it as can share its write. */
  #runTogether(job: Job): void {
    const share = [job];
    for (const next of this.#jobs ?? []) {
      const { end } = share[share.length - 1];
      if (next.bytes.length === 0 || end + next.bytes.length > LARGEST_SHARE) break; // a flush or a turn ends it too
      next.end += end;
      share.push(next);
    }
    if (share.length === 1) return this.#run(job);
    this.#forget(share.length - 1);
    this.#leaving = share;
    this.#send(joined(share));
  }

  /** The first `count` of those who wait for a turn have it. */
  #forget(count: number): void {
    if (count === this.#jobs?.length) this.#jobs = undefined;
    else this.#jobs?.splice(0, count);
  }

  #send(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#offset = 0;
    this.#wire.transmit(bytes).then(this.#wrote, this.#failed);
  }

  #wrote = (n: number): void => {
    const bytes = this.#bytes;
    if (!bytes) return; // failed meanwhile
    this.#offset += n;
    this.#wire.account(n);
    while (this.#leaving?.length && this.#leaving[0].end <= this.#offset) this.#leaving.shift()!.resolve();
    if (this.#offset < bytes.length) {
      this.#wire.transmit(bytes.subarray(this.#offset)).then(this.#wrote, this.#failed);
      return;
    }
    if (!this.#leaving) this.#queue.left();
    this.#leaving = undefined;
    this.#turn();
    this.#wire.tellRoom();
  };

  #failed = (error: unknown): void => this.#wire.failed(error);

  /** A write is done: whoever is next may go. */
  #turn(): void {
    this.#wire.rest();
    this.#bytes = this.#held ? EMPTY : undefined;
    this.next();
  }

  /** What `send` queued goes first, then the next job: its caller called later or waits for that very queue. */
  #pump = (): void => {
    this.#pumpDue = false;
    while (!this.#bytes && !this.#wire.taken && !this.#wire.failure) {
      if (this.#queue.length > 0) return this.#send(this.#queue.shift());
      const job = this.#jobs?.[0];
      if (!job) return;
      this.#forget(1);
      if (job.bytes.length > 0) return this.#runTogether(job);
      if (job.holds) this.#keepTurn();
      job.resolve(); // a flush, or a turn that is kept
      this.#wire.tellRoom();
    }
  };

  #keepTurn(): void {
    this.#held = true;
    this.#bytes = EMPTY;
  }

  #listen(signal: AbortSignal, job: Job): void {
    const aborted = () => this.#wire.giveUp(signal.reason);
    signal.addEventListener("abort", aborted, { once: true });
    job.unlisten = () => signal.removeEventListener("abort", aborted);
  }
}

/** Bytes that a caller waits to see written; none at all for a flush or a turn. */
class Job {
  readonly bytes: Uint8Array;
  /** Where they end in the write that they are a part of. */
  end: number;
  /** Whether its caller keeps the turn. */
  holds = false;
  /** Resolves to the number of its bytes. */
  readonly promise: Promise<number>;
  /** Lets its signal be: called when it is settled, and not later, as the signal may abort before its caller goes on. */
  unlisten: (() => void) | undefined;
  #resolve!: (n: number) => void;
  #reject!: (error: unknown) => void;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.end = bytes.length;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  resolve(): void {
    this.unlisten?.();
    this.#resolve(this.bytes.length);
  }

  reject(error: unknown): void {
    this.unlisten?.();
    this.#reject(error);
  }
}

const EMPTY = new Uint8Array(0);

function joined(jobs: readonly Job[]): Uint8Array {
  const bytes = new Uint8Array(jobs[jobs.length - 1].end);
  for (const job of jobs) bytes.set(job.bytes, job.end - job.bytes.length);
  return bytes;
}
