// S24: what workers share. An array in shared memory, a map in the manner of Manager().dict(), a queue, and a pipe.
//
// The course shares them between processes. On Deno, child processes have no memory in common: these are for worker threads,
// which have variables of their own as processes do.
//
//   deno run --allow-read examples/shared_data.ts
import { Pool, Queue, SharedArray, SharedMap } from "@switchboard/kit/workers";

await using pool = new Pool<typeof import("./_sharing.ts")>(import.meta.resolve("./_sharing.ts"), {
  size: 2,
});

// Array and Manager().dict()
using array = new SharedArray("i32", [1, 2, 3]);
using map = new SharedMap<string, string>([["name", "?"]]);
const end = map.connect();
await pool.apply("change", [array.handle, end], { transfer: [end] });
console.log(`the array is ${JSON.stringify([...array])}`);
console.log(`the map is ${JSON.stringify(Object.fromEntries(await map.entries()))}`);

// Queue: one thread writes, another reads
using queue = new Queue<string>({ maxsize: 2 });
const [input, output] = [queue.connect(), queue.connect()];
const [, count] = await Promise.all([
  pool.apply("write", [input, ["a", "b", "c"]], { transfer: [input] }),
  pool.apply("read", [output], { transfer: [output] }),
]);
console.log(`${count} items went through the queue`);

// Pipe: a MessageChannel, one end each
const { port1: near, port2: far } = new MessageChannel();
const answered = new Promise<string>((resolve) => near.onmessage = ({ data }) => resolve(data));
const answering = pool.apply("answer", [far], { transfer: [far] });
near.postMessage("hello");
console.log(`through the pipe came "${await answered}"`);
await answering;
near.close();
