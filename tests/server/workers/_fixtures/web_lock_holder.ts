/** A worker that is none of the kit's: takes a lock and keeps it. */
import { Lock } from "../../../../server/workers/mod.ts";

const worker = globalThis as unknown as { name: string; postMessage(message: unknown): void };
await new Lock(worker.name).acquire();
worker.postMessage("held");
