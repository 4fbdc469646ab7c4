/**
 * The server for an endpoint whose handler runs on workers.
 *
 * @module
 */
import type { Endpoint } from "../address.ts";
import type { Admission } from "../admission.ts";
import { AddressError } from "../errors.ts";
import type { HandlerModule } from "../load.ts";
import type { ServeOptions } from "../serve.ts";
import type { AnyServer } from "../serve.ts";
import { ForkingTcpServer, ForkingTlsServer, ForkingUdpServer, ForkingUnixServer } from "./forking.ts";
import {
  ThreadingTcpServer,
  ThreadingTlsServer,
  ThreadingUdpServer,
  ThreadingUnixServer,
} from "./threading.ts";

/** What the servers of a group share, so that limits are totals. */
export interface Admissions {
  connections: Admission;
  packets: Admission;
}

const THREADING = {
  tcp: ThreadingTcpServer,
  tls: ThreadingTlsServer,
  unix: ThreadingUnixServer,
  udp: ThreadingUdpServer,
};
const FORKING = {
  tcp: ForkingTcpServer,
  tls: ForkingTlsServer,
  unix: ForkingUnixServer,
  udp: ForkingUdpServer,
};

/** Makes the server; the module's `verifyRequest` is called in its workers. */
export function makePooledServer(
  endpoint: Endpoint,
  module: HandlerModule,
  options: Omit<ServeOptions, "listen">,
  { connections, packets }: Admissions,
): AnyServer {
  const classes = options.workers === undefined ? FORKING : THREADING;
  const { transport, ...place } = endpoint;
  const admission = transport === "udp" ? packets : connections;
  // deno-lint-ignore no-explicit-any -- the options of all kinds of servers, of which each takes its own
  const all: any = { ...options, ...place, admission };
  if (transport === "unixgram") throw new AddressError("Cannot serve unixgram endpoints with workers");
  return new classes[transport](module, all);
}
