/**
 * Datagram echo: a window of packets in flight between one client and the server. One that is lost fails the turn; the
 * generators say why.
 */

import { contest } from "../contest.ts";
import { CPU, P50, P99, P999, rateOf } from "./columns.ts";

const IN_FLIGHT = 64;
const SIZE = 64;

export default contest({
  name: "udp_echo",
  title: "Datagram echo",
  service: "datagram_echo",
  cases: [{
    title: `${SIZE} bytes, ${IN_FLIGHT} in flight`,
    columns: [rateOf("packets"), CPU, P50, P99, P999],
    leading: "rate",
    promise: { of: "ratio", atLeast: 0.95, margin: 0.15 },
    check: ["kit_udp"],
    measure: ({ generator, server, ...lengths }) => generator.load("udp", server, [IN_FLIGHT, SIZE], lengths),
  }],
});
