/** Ends without closing its pool. */
import { Pool } from "../../../../server/workers/mod.ts";

const pool = new Pool<typeof import("./tasks.ts")>(import.meta.resolve("./tasks.ts"));
await pool.apply("square", [1]);
pool.applyAsync("square", [7], { callback: (result) => console.log(result) });
console.log("before");
