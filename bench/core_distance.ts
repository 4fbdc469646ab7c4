/** How far apart the two cores of a machine are, which decides how fast a server and its client can be together. */

import { Worker } from "node:worker_threads";
import { END, PING, PONG, REST } from "./_pong.ts";
import { medianOf } from "./statistics.ts";

const BATCHES = 25;
const ROUND_TRIPS = 500; // so short a batch, 0.05 to 0.25 ms, that a moment without a core spoils one or two of them
const LIMIT_MS = 50; // a probe takes 2 to 7, and 10 more where both threads woke up on the same core
const REHEARSALS = 3; // until both threads run compiled code
const LOOK_EVERY = 4096; // spins between two looks at the clock

/**
 * Measures how long a word takes from one core to the other and back.
 *
 * The cores of a virtual machine may be neighbours now and far apart a second later, wherever its host puts them, and
 * all that two processes say to each other takes longer then. Nothing in the machine tells; so two threads pass a word
 * back and forth through memory that they share.
 *
 * It says nothing, `null`, where there are not exactly two cores. With more of them nobody knows on which the server
 * and its generator run, and with one there is no distance.
 */
export class CoreDistance implements AsyncDisposable {
  readonly #cells: Int32Array<SharedArrayBuffer>;
  readonly #worker: Worker | null;
  readonly #ended: Promise<unknown>;
  #pings = 0;

  private constructor(cells: Int32Array<SharedArrayBuffer>, worker: Worker | null) {
    this.#cells = cells;
    this.#worker = worker;
    this.#ended = new Promise((resolve) => worker ? worker.once("exit", resolve) : resolve(0));
  }

  /** Starts the other thread, which sleeps but during a probe. */
  static async open(cores: number = navigator.hardwareConcurrency): Promise<CoreDistance> {
    const cells = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * (PONG + 1)));
    if (cores !== 2) return new CoreDistance(cells, null);
    const worker = new Worker(new URL("_pong.ts", import.meta.url), { workerData: cells });
    await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    const distance = new CoreDistance(cells, worker);
    for (let n = 0; n < REHEARSALS; n++) distance.probe();
    return distance;
  }

  /**
   * Whole nanoseconds there and back, the median of several batches, measured in some milliseconds in which this thread
   * does nothing else. `null` also if it took too long, as when other programs leave both threads one core.
   */
  probe(): number | null {
    if (this.#worker === null) return null;
    const deadline = performance.now() + LIMIT_MS;
    try {
      if (!this.#wake(deadline)) return null;
      const batches: number[] = [];
      while (batches.length < BATCHES) {
        const nanoseconds = this.#timeBatch(deadline);
        if (nanoseconds === null) return null;
        batches.push(nanoseconds);
      }
      return Math.round(medianOf(batches));
    } finally {
      Atomics.store(this.#cells, PING, REST);
    }
  }

  /** Sleeps until the other thread is awake: it may wake up on this core, and would find it taken. */
  #wake(deadline: number): boolean {
    const last = Atomics.load(this.#cells, PONG);
    Atomics.store(this.#cells, PING, ++this.#pings);
    Atomics.notify(this.#cells, PING);
    Atomics.wait(this.#cells, PONG, last, LIMIT_MS);
    return this.#hasAnswer(deadline);
  }

  #timeBatch(deadline: number): number | null {
    const since = performance.now();
    for (let n = 0; n < ROUND_TRIPS; n++) {
      Atomics.store(this.#cells, PING, ++this.#pings);
      if (!this.#hasAnswer(deadline)) return null;
    }
    return (performance.now() - since) * 1e6 / ROUND_TRIPS;
  }

  /** Waits for the answer without a sleep; false when the deadline came first. */
  #hasAnswer(deadline: number): boolean {
    for (let spins = 1; Atomics.load(this.#cells, PONG) !== this.#pings; spins++) {
      if (spins % LOOK_EVERY === 0 && performance.now() > deadline) return false;
    }
    return true;
  }

  /** Lets the other thread end, and waits until it has. */
  async [Symbol.asyncDispose](): Promise<void> {
    Atomics.store(this.#cells, PING, END);
    Atomics.notify(this.#cells, PING);
    await this.#ended;
  }
}
