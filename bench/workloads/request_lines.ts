/** Request lines: each is answered with the same in capitals, with one or several on their way at a time. */

import { type Case, contest } from "../contest.ts";
import type { Bench } from "../workload.ts";
import { CPU, P50, P99, P999, rateOf, SLOWEST } from "./columns.ts";
import { writeDialogue } from "./dialogue.ts";

const CONNECTIONS = 64;
const CLOSED = 0;
const DIALOGUE = "request_lines";

/** Requests of about thirty bytes, no two alike. */
function requests(): string[] {
  return Array.from({ length: 61 }, (_, n) => `get /orders/${n * n}/lines?page=${n}`);
}

async function prepare({ workshop }: Bench): Promise<void> {
  await writeDialogue(workshop.folder(DIALOGUE), requests(), (line) => line.toUpperCase());
}

function pipelined(depth: number, more: Partial<Case> = {}): Case {
  return {
    title: `${depth} at a time on each of ${CONNECTIONS} connections`,
    columns: [rateOf("requests"), { ...CPU, digits: 2 }, P50, P99, P999, SLOWEST],
    leading: "rate",
    measure: ({ generator, server, workshop, ...lengths }) =>
      generator.load(
        "exchange",
        server,
        [CONNECTIONS, depth, workshop.folder(DIALOGUE), CLOSED],
        lengths,
      ),
    ...more,
  };
}

export default contest({
  name: "request_lines",
  title: "Request lines",
  service: "lines",
  prepare,
  cases: [
    pipelined(16),
    pipelined(1, {
      wanted: [
        "lines_kit_batches",
        "lines_kit_protocol",
        "lines_kit_function",
        "lines_node",
        "lines_asyncio",
        "lines_twisted",
        "lines_go",
      ],
    }),
  ],
});
