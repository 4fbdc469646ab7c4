/** All workloads, in the order in which they run. */

import type { Workload } from "../workload.ts";
import burst from "./burst.ts";
import cpuBound from "./cpu_bound.ts";
import echo from "./echo.ts";
import fixedRate from "./fixed_rate.ts";
import framing from "./framing.ts";
import idleMemory from "./idle_memory.ts";
import pollCost from "./poll_cost.ts";
import poolLife from "./pool_life.ts";
import redis from "./redis.ts";
import requestLines from "./request_lines.ts";
import sendFile from "./send_file.ts";
import shortConnections from "./short_connections.ts";
import tailLatency from "./tail_latency.ts";
import udpEcho from "./udp_echo.ts";
import upload from "./upload.ts";
import workerEcho from "./worker_echo.ts";

/** What `deno task bench` runs. */
export const WORKLOADS: readonly Workload[] = [
  echo,
  requestLines,
  fixedRate,
  tailLatency,
  shortConnections,
  burst,
  idleMemory,
  udpEcho,
  cpuBound,
  workerEcho,
  poolLife,
  pollCost,
  framing,
  redis,
  sendFile,
  upload,
];
