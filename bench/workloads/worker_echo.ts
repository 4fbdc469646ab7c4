/** What it costs to serve from a worker: echo in one, beside the kit's single server, which the ratio is to. */

import { contest } from "../contest.ts";
import { CPU, P50, P99, P999, rateOf, SLOWEST } from "./columns.ts";

export default contest({
  name: "worker_echo",
  title: "Echo in one worker",
  service: "worker_echo",
  cases: [{
    title: "64 bytes, 64 connections",
    columns: [rateOf("requests"), CPU, P50, P99, P999, SLOWEST],
    leading: "rate",
    promises: { worker_echo: { of: "ratio", atLeast: 0.9, margin: 0.2 } },
    check: ["worker_echo"],
    measure: ({ generator, server, ...lengths }) =>
      generator.load("exchange", server, [64, 1, 64, 0], lengths),
  }],
});
