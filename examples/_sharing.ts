// The tasks of shared_data.ts: what its worker threads run.
import { Queue, SharedArray, type SharedArrayHandle, SharedMap } from "@switchboard/kit/workers";

/** Changes an array and a map that another thread has. */
export async function change(numbers: SharedArrayHandle<"i32">, port: MessagePort): Promise<void> {
  using array = new SharedArray(numbers);
  using map = new SharedMap<string, string>(port);
  for (let n = 0; n < array.length; n++) array.set(n, array.get(n) * 10);
  await map.set("name", "Switchboard");
  await map.set("from", "a worker thread");
}

/** Puts some items into a queue, and ends it. */
export async function write(port: MessagePort, items: string[]): Promise<void> {
  using queue = new Queue<string>(port);
  for (const item of items) {
    console.log(`put ${item}`);
    await queue.put(item);
  }
  await queue.shutdown();
}

/** Takes what comes. */
export async function read(port: MessagePort): Promise<number> {
  using queue = new Queue<string>(port);
  let count = 0;
  for await (const item of queue) {
    console.log(`got ${item}`);
    count++;
  }
  return count;
}

/** One end of a pipe: answers what comes. */
export function answer(pipe: MessagePort): Promise<void> {
  return new Promise((resolve) => {
    pipe.onmessage = ({ data }) => {
      pipe.postMessage(`you said: ${data}`);
      pipe.close();
      resolve();
    };
  });
}
