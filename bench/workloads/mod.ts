/** All workloads, in the order in which they run. */

import type { Workload } from "../workload.ts";
import burst from "./burst.ts";
import echo from "./echo.ts";
import framing from "./framing.ts";
import idleMemory from "./idle_memory.ts";
import pollCost from "./poll_cost.ts";
import pollEcho from "./poll_echo.ts";
import reactorEcho from "./reactor_echo.ts";
import redis from "./redis.ts";
import sendFile from "./send_file.ts";
import shortConnections from "./short_connections.ts";
import tailLatency from "./tail_latency.ts";
import udpEcho from "./udp_echo.ts";
import upload from "./upload.ts";

/** What `deno task bench` runs. */
export const WORKLOADS: readonly Workload[] = [
  echo,
  shortConnections,
  burst,
  idleMemory,
  tailLatency,
  udpEcho,
  framing,
  pollEcho,
  reactorEcho,
  pollCost,
  redis,
  sendFile,
  upload,
];
