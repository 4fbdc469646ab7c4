// S22: threads. Starting, naming, waiting for them; a lost update on a shared counter, shown and then cured; Semaphore and Event.
//
//   deno run --allow-read examples/threads.ts
import { type AsyncResult, Pool, SharedArray, SharedEvent } from "@switchboard/kit/workers";

const THREADS = 4;
const TIMES = 100;
const pool = new Pool<typeof import("./_counting.ts")>(import.meta.resolve("./_counting.ts"), {
  size: THREADS,
});

// Python's Thread(target=say, args=("music", 2)).start(), and join() with and without a limit
const music = pool.applyAsync("say", ["music", 2, 20]);
const movie = pool.applyAsync("say", ["movie", 2, 400]);
await music.wait();
console.log("music has ended");
console.log(`after join(20), the movie ${await movie.wait({ timeout: 20 }) ? "has ended" : "goes on"}`);
await movie.wait();
console.log("the movie has ended");

// A daemon thread does not keep its program from ending: nobody waits for this one, see the last lines
const daemon = pool.applyAsync("say", ["daemon", 1_000_000, 1_000]);

// The lost update: four threads count to 100 each, in one place
await count("without a lock", "countWithoutLock");
await count("with Lock", "countWithLock");
await count("with RLock", "countWithRLock");

// Semaphore: no more than three at once
using inside = new SharedArray("i32", 1);
const visits = ["Ann", "Bob", "Cy", "Di", "Ed", "Flo"].map((name) =>
  pool.apply("visit", [name, inside.handle])
);
console.log(`at most ${Math.max(...await Promise.all(visits))} were in the shop at once`);

// Event: all who wait go on at once
using light = new SharedEvent();
const cars = ["the car", "the bus"].map((name) => pool.applyAsync("cross", [name, light.handle]));
await cars[0].wait({ timeout: 50 });
console.log("the light is green");
light.set();
await Promise.all(cars.map((car) => car.wait()));

console.log(`the daemon ${daemon.ready ? "has ended" : "goes on"}`);
await pool.terminate(); // Python does it with daemons when the program ends
console.log(`all threads have ended, the daemon too: ${daemon.ready}`);

async function count(
  how: string,
  task: "countWithoutLock" | "countWithLock" | "countWithRLock",
): Promise<void> {
  using counter = new SharedArray("i32", 1);
  const threads: AsyncResult<void>[] = [];
  for (let n = 0; n < THREADS - 1; n++) threads.push(pool.applyAsync(task, [counter.handle, TIMES]));
  await Promise.all(threads.map((thread) => thread.get()));
  const [wanted, is] = [(THREADS - 1) * TIMES, counter.get(0)];
  console.log(`${how}: ${is} of ${wanted}${is < wanted ? `, ${wanted - is} updates were lost` : ""}`);
}
