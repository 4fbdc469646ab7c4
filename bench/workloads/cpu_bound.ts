/**
 * Handlers that work on the processor: about a millisecond of hashing for each request, on one worker and on two. The
 * ratio is to the kit's single server.
 */

import { contest } from "../contest.ts";
import { digest } from "../peers/_hash_module.ts";
import type { Bench, Bound } from "../workload.ts";
import { CPU, P50, P99, rateOf, SLOWEST } from "./columns.ts";
import { writeDialogue } from "./dialogue.ts";

const TWICE: Bound = { of: "ratio", atLeast: 1.7, margin: 0.2 };
const CONNECTIONS = 16;
const DEPTH = 1;
const CLOSED = 0;
const DIALOGUE = "cpu_bound";

async function prepare({ workshop }: Bench): Promise<void> {
  const requests = Array.from({ length: 31 }, (_, n) => `work ${n}`);
  await writeDialogue(workshop.folder(DIALOGUE), requests, digest);
}

export default contest({
  name: "cpu_bound",
  title: "A millisecond of work",
  service: "hash",
  prepare,
  cases: [{
    title: `${CONNECTIONS} connections`,
    columns: [rateOf("requests"), { ...CPU, digits: 0 }, P50, P99, SLOWEST],
    leading: "rate",
    promises: navigator.hardwareConcurrency < 2 ? {} : { hash_workers_2: TWICE, hash_processes_2: TWICE },
    check: ["hash_workers_2", "hash_processes_2"],
    measure: ({ generator, server, workshop, ...lengths }) =>
      generator.load("exchange", server, [CONNECTIONS, DEPTH, workshop.folder(DIALOGUE), CLOSED], lengths),
  }],
});
