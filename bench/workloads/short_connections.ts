/** Short connections: connect, 16 bytes back and forth, reset. */

import { contest } from "../contest.ts";
import { CPU, P50, P99, P999, rateOf, SLOWEST } from "./columns.ts";

const PARALLEL = 64;

export default contest({
  name: "short_connections",
  title: "Short connections",
  service: "echo",
  cases: [{
    title: `${PARALLEL} at a time`,
    columns: [rateOf("connections"), CPU, P50, P99, P999, SLOWEST],
    leading: "rate",
    promise: { of: "ratio", atLeast: 0.9, margin: 0.2 },
    check: ["kit_function"],
    warmup: 1.5, // a connection is made and ended once in the time of six requests
    wanted: [
      "kit_function",
      "kit_iteration",
      "kit_stream_handler",
      "bare_64k",
      "node_net_on_deno",
      "node_net",
      "python_asyncio",
      "python_threading",
      "twisted",
      "gevent",
      "go",
      "c_epoll",
    ],
    measure: ({ generator, server, ...lengths }) => generator.load("connect", server, [PARALLEL], lengths),
  }],
});
