// S25: a pool of five workers, with apply and with applyAsync and a callback; close and join.
//
//   deno run --allow-read examples/process_pool.ts
import { Pool } from "@switchboard/kit/workers";

const pool = new Pool<typeof import("./_squaring.ts")>(import.meta.resolve("./_squaring.ts"), { size: 5 });
const numbers = [0, 1, 2, 3, 4];

console.log("apply: one after the other");
for (const n of numbers) console.log(await pool.apply("square", [n]));

console.log("applyAsync: all at once, the callback has the results as they come");
for (const n of numbers) pool.applyAsync("square", [n], { callback: console.log });

pool.close(); // no more tasks
await pool.join(); // those that run are waited for
console.log("all tasks and all workers have ended");
