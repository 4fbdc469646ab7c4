/** Echo with a protocol on a reactor, beside the bare loop and Twisted. */

import { contest } from "../contest.ts";
import { CPU, P50, P99, P999, rateOf, SLOWEST } from "./columns.ts";

export default contest({
  name: "reactor_echo",
  title: "Echo on a reactor",
  service: "reactor_echo",
  cases: [{
    title: "64 bytes, 64 connections",
    columns: [rateOf("requests"), CPU, P50, P99, P999, SLOWEST],
    leading: "rate",
    promise: { of: "ratio", atLeast: 0.85, margin: 0.15 },
    check: ["kit_reactor"],
    measure: ({ generator, server, ...lengths }) => generator.load("echo", server, [64, 64, 1], lengths),
  }],
});
