/** The far side of `core_distance.ts`, in a thread of its own. It sleeps but while a probe is under way. */

import { parentPort, workerData } from "node:worker_threads";

/** Where a ping is said, and where its answer: in cache lines of their own, as each has one thread that writes. */
export const PING = 0;
export const PONG = 64;
/** Pings that are none: to sleep, and to end. All others are numbers greater than 0. */
export const REST = 0;
export const END = -1;

/** Answers every ping by saying the same. */
function answer(cells: Int32Array<SharedArrayBuffer>): void {
  let answered = REST;
  for (;;) {
    const ping = Atomics.load(cells, PING);
    if (ping === END) return;
    if (ping === REST) {
      Atomics.wait(cells, PING, REST);
      answered = Atomics.load(cells, PING);
      Atomics.store(cells, PONG, answered);
      Atomics.notify(cells, PONG); // the other side sleeps until the first answer
    } else if (ping !== answered) {
      answered = ping;
      Atomics.store(cells, PONG, answered);
    }
  }
}

if (workerData instanceof Int32Array) {
  parentPort!.postMessage("ready");
  answer(workerData as Int32Array<SharedArrayBuffer>);
}
