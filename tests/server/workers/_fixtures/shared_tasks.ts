/** Tasks that share, for the tests of what threads share. */
import {
  Queue,
  SharedArray,
  type SharedArrayHandle,
  type SharedArrayType,
  SharedEvent,
  SharedMap,
} from "../../../../server/workers/mod.ts";

export async function waitAndAnswer(go: SharedArrayBuffer, answer: SharedArrayBuffer): Promise<boolean> {
  const came = await new SharedEvent(go).wait();
  new SharedEvent(answer).set();
  return came;
}

export function addMany(handle: SharedArrayHandle<SharedArrayType>, times: number): void {
  const array = new SharedArray(handle);
  const one = handle.type.endsWith("64") && handle.type !== "f64" ? 1n : 1;
  for (let n = 0; n < times; n++) array.add(0, one as number);
}

export async function updateMany(port: MessagePort, key: string, times: number): Promise<void> {
  using map = new SharedMap<string, number>(port);
  for (let n = 0; n < times; n++) await map.update(key, (value = 0) => value + 1);
}

/** Has a map and a queue of its own, and gives the ports out; its thread ends when it is told. */
let owned: { map: SharedMap; queue: Queue } | undefined;

export function own(mapPort: MessagePort, queuePort: MessagePort): void {
  owned = { map: new SharedMap([["key", "value"]]), queue: new Queue() };
  owned.map.serve(mapPort);
  owned.queue.serve(queuePort);
}

export function exit(): never {
  Deno.exit(0);
}

export async function produce(port: MessagePort, from: number, count: number): Promise<void> {
  using queue = new Queue<number>(port);
  for (let n = from; n < from + count; n++) await queue.put(n);
}

/** Takes items and marks each, until the queue ends. */
export async function consume(port: MessagePort, marks: SharedArrayHandle<"i32">): Promise<number> {
  using queue = new Queue<number>(port);
  using seen = new SharedArray(marks);
  let count = 0;
  for await (const item of queue) {
    seen.add(item, 1);
    count++;
  }
  return count;
}

/** Takes and marks some, asks for one more, and its thread ends. */
export async function consumeAndDie(
  port: MessagePort,
  marks: SharedArrayHandle<"i32">,
  count: number,
): Promise<never> {
  const queue = new Queue<number>(port);
  const seen = new SharedArray(marks);
  for (let n = 0; n < count; n++) seen.add(await queue.get(), 1);
  queue.get();
  Deno.exit(0);
}
