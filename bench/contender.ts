/** Who takes part: every server that can be measured, what it speaks, and how it is started. */

import type { Command } from "./child.ts";
import type { Workshop } from "./workshop.ts";

/** What a contender does for its clients; a workload asks for one of these. */
export type Service =
  | "echo"
  | "worker_echo"
  | "datagram_echo"
  | "lines"
  | "hash"
  | "pool"
  | "redis"
  | "send_file"
  | "upload";

/** A server in a process of its own. It prints `listening PORT` first, then serves on loopback until it is killed. */
export interface Contender {
  /** As on the command line and in JSON. */
  readonly name: string;
  /** As in tables. */
  readonly title: string;
  readonly service: Service;
  /** `bare` is what ratios refer to, bare Deno where there is such a thing; peers take part when asked for. */
  readonly group: "bare" | "kit" | "peer";
  /** How many cores it can use at the same time. @default 1 */
  readonly cores?: number;
  /** How to start it; throws `MissingToolError` where that cannot be done. */
  command(workshop: Workshop): Promise<Command>;
}

type Start = Contender["command"];

const ALL_CORES = Infinity;

function bare(service: Service, name: string, title: string, command: Start): Contender {
  return { group: "bare", service, name, title, command };
}

function kit(service: Service, name: string, title: string): Contender {
  return { group: "kit", service, name, title, command: (shop) => shop.deno(`peers/${name}.ts`) };
}

function peer(service: Service, name: string, title: string, command: Start): Contender {
  return { group: "peer", service, name, title, command };
}

/** A contender that uses more cores than one. */
function across(cores: number, contender: Contender): Contender {
  return { ...contender, cores: Math.min(cores, navigator.hardwareConcurrency) };
}

/** The kit's workers of a kind, with a handler module. */
function workers(service: Service, name: string, title: string, module: string, count: number): Contender {
  const source = name.includes("processes") ? "peers/kit_processes.ts" : "peers/kit_workers.ts";
  const command: Start = (shop) => shop.deno(source, `./${module}`, String(count));
  return across(count, { group: "kit", service, name, title, command });
}

const ECHO: readonly Contender[] = [
  bare("echo", "bare", "bare Deno", (shop) => shop.deno("peers/bare.ts")),
  kit("echo", "kit_function", "kit, function"),
  kit("echo", "kit_iteration", "kit, iteration"),
  kit("echo", "kit_copy_to", "kit, copyTo"),
  kit("echo", "kit_stream_handler", "kit, StreamRequestHandler"),
  kit("echo", "kit_protocol", "kit, Protocol"),
  kit("echo", "kit_poller", "kit, Poller"),
  kit("echo", "kit_reactor", "kit, Reactor"),
  workers("echo", "kit_workers", "kit, 2 workers", "_echo_module.ts", 2),
  workers("echo", "kit_processes", "kit, 2 processes", "_echo_module.ts", 2),
  peer("echo", "bare_64k", "bare Deno, 64 KiB buffer", (shop) => shop.deno("peers/bare_64k.ts")),
  peer("echo", "bare_streams", "bare Deno, pipeTo", (shop) => shop.deno("peers/bare_streams.ts")),
  peer("echo", "node_net_on_deno", "node:net on Deno", (shop) => shop.deno("peers/node_net.mjs")),
  peer("echo", "node_net", "node:net on Node", (shop) => shop.node("peers/node_net.mjs")),
  peer("echo", "python_asyncio", "Python asyncio", (shop) => shop.python("peers/asyncio_echo.py", "asyncio")),
  peer(
    "echo",
    "python_selectors",
    "Python selectors",
    (shop) => shop.python("peers/selectors_echo.py", "selectors"),
  ),
  peer(
    "echo",
    "python_threading",
    "Python ThreadingTCPServer",
    (shop) => shop.python("peers/threading_echo.py", "socketserver"),
  ),
  peer("echo", "twisted", "Twisted", (shop) => shop.python("peers/twisted_echo.py", "twisted")),
  peer("echo", "gevent", "gevent", (shop) => shop.python("peers/gevent_echo.py", "gevent")),
  across(ALL_CORES, peer("echo", "go", "Go net", (shop) => shop.go("peers/echo.go"))),
  peer("echo", "c_epoll", "C epoll loop", (shop) => shop.c("peers/epoll_echo.c")),
];

const WORKER_ECHO: readonly Contender[] = [
  bare("worker_echo", "single_echo", "kit, single server", (shop) => shop.deno("peers/kit_function.ts")),
  workers("worker_echo", "worker_echo", "kit, 1 worker", "_echo_module.ts", 1),
  workers("worker_echo", "processes_echo", "kit, 1 process", "_echo_module.ts", 1),
];

const HASH: readonly Contender[] = [
  bare("hash", "hash_kit", "kit, single server", (shop) => shop.deno("peers/hash_kit.ts")),
  workers("hash", "hash_workers_1", "kit, 1 worker", "_hash_module.ts", 1),
  workers("hash", "hash_workers_2", "kit, 2 workers", "_hash_module.ts", 2),
  workers("hash", "hash_processes_1", "kit, 1 process", "_hash_module.ts", 1),
  workers("hash", "hash_processes_2", "kit, 2 processes", "_hash_module.ts", 2),
  peer("hash", "hash_cluster_1", "Node cluster of 1", (shop) => shop.node("peers/hash_node.mjs", "1")),
  across(
    2,
    peer("hash", "hash_cluster_2", "Node cluster of 2", (shop) => shop.node("peers/hash_node.mjs", "2")),
  ),
  across(
    ALL_CORES,
    peer(
      "hash",
      "hash_threading",
      "Python ThreadingTCPServer",
      (shop) => shop.python("peers/hash_threading.py", "hashlib"),
    ),
  ),
  across(
    ALL_CORES,
    peer(
      "hash",
      "hash_forking",
      "Python ForkingTCPServer",
      (shop) => shop.python("peers/hash_forking.py", "hashlib"),
    ),
  ),
  across(ALL_CORES, peer("hash", "hash_go", "Go net", (shop) => shop.go("peers/hash.go"))),
];

/** Pools whose workers can be counted; the number is the last argument where the server does not fork for each client. */
const POOL: readonly Contender[] = [
  bare("pool", "pool_single", "kit, single server", (shop) => shop.deno("peers/kit_function.ts")),
  workers("pool", "pool_workers", "kit, worker threads", "_echo_module.ts", 1),
  workers("pool", "pool_processes", "kit, processes", "_echo_module.ts", 1),
  peer("pool", "pool_cluster", "Node cluster", (shop) => shop.node("peers/cluster_echo.mjs", "1")),
  peer(
    "pool",
    "pool_threading",
    "Python ThreadingTCPServer",
    (shop) => shop.python("peers/threading_echo.py", "socketserver"),
  ),
  peer(
    "pool",
    "pool_forking",
    "Python ForkingTCPServer",
    (shop) => shop.python("peers/forking_echo.py", "socketserver"),
  ),
];

const LINES: readonly Contender[] = [
  bare("lines", "lines_bare", "bare Deno", (shop) => shop.deno("peers/lines_bare.ts")),
  kit("lines", "lines_kit_batches", "kit, framing by batches"),
  kit("lines", "lines_kit_protocol", "kit, LineReceiver"),
  kit("lines", "lines_kit_buffered", "kit, StreamRequestHandler, writeBufferSize"),
  kit("lines", "lines_kit_function", "kit, lines()"),
  kit("lines", "lines_kit_stream_handler", "kit, StreamRequestHandler"),
  peer("lines", "lines_node_on_deno", "node:net on Deno", (shop) => shop.deno("peers/lines_node.mjs")),
  peer("lines", "lines_node", "node:net on Node", (shop) => shop.node("peers/lines_node.mjs")),
  peer(
    "lines",
    "lines_asyncio",
    "Python asyncio",
    (shop) => shop.python("peers/lines_asyncio.py", "asyncio"),
  ),
  peer(
    "lines",
    "lines_threading",
    "Python ThreadingTCPServer",
    (shop) => shop.python("peers/lines_threading.py", "socketserver"),
  ),
  peer("lines", "lines_twisted", "Twisted", (shop) => shop.python("peers/lines_twisted.py", "twisted")),
  across(ALL_CORES, peer("lines", "lines_go", "Go net", (shop) => shop.go("peers/lines.go"))),
];

const REDIS: readonly Contender[] = [
  bare("redis", "redis_bare", "bare Deno", (shop) => shop.deno("peers/redis_bare.ts")),
  kit("redis", "redis_kit", "kit"),
  peer("redis", "redis_node_on_deno", "node:net on Deno", (shop) => shop.deno("peers/redis_node.ts")),
  peer(
    "redis",
    "redis_node",
    "node:net on Node",
    (shop) =>
      shop.nodeTypeScript("peers/redis_node.ts", "../examples/_resp.ts", "../examples/_redis_store.ts"),
  ),
  peer(
    "redis",
    "redis_asyncio",
    "Python asyncio",
    (shop) => shop.python("peers/redis_asyncio.py", "asyncio"),
  ),
  peer("redis", "redis_server", "Redis", (shop) => shop.redis("peers/redis_server.py")),
];

const TRANSFERS: readonly Contender[] = [
  bare(
    "send_file",
    "send_file_bare",
    "bare Deno, 1 MiB buffer",
    (shop) => shop.deno("peers/send_file_bare.ts"),
  ),
  kit("send_file", "send_file_kit", "kit"),
  bare(
    "upload",
    "upload_bare",
    "bare Deno, 1 MiB buffer",
    (shop) => shop.deno("peers/upload_bare.ts", shop.folder("uploads")),
  ),
  {
    ...kit("upload", "upload_kit", "kit"),
    command: (shop) => shop.deno("peers/upload_kit.ts", shop.folder("uploads")),
  },
];

const DATAGRAM_ECHO: readonly Contender[] = [
  bare("datagram_echo", "bare_udp", "bare Deno", (shop) => shop.deno("peers/bare_udp.ts")),
  kit("datagram_echo", "kit_udp", "kit, function"),
  kit("datagram_echo", "kit_datagram_handler", "kit, DatagramRequestHandler"),
  peer(
    "datagram_echo",
    "node_dgram_on_deno",
    "node:dgram on Deno",
    (shop) => shop.deno("peers/node_dgram.mjs"),
  ),
  peer("datagram_echo", "node_dgram", "node:dgram on Node", (shop) => shop.node("peers/node_dgram.mjs")),
  peer(
    "datagram_echo",
    "python_udp",
    "Python UDPServer",
    (shop) => shop.python("peers/udp_server.py", "socketserver"),
  ),
  peer(
    "datagram_echo",
    "asyncio_udp",
    "Python asyncio",
    (shop) => shop.python("peers/asyncio_udp.py", "asyncio"),
  ),
  across(ALL_CORES, peer("datagram_echo", "go_udp", "Go net", (shop) => shop.go("peers/udp.go"))),
  peer("datagram_echo", "c_udp", "C loop", (shop) => shop.c("peers/udp.c")),
];

const CONTENDERS: readonly Contender[] = [
  ...ECHO,
  ...LINES,
  ...HASH,
  ...WORKER_ECHO,
  ...POOL,
  ...DATAGRAM_ECHO,
  ...REDIS,
  ...TRANSFERS,
];

/** Which contenders are asked for. */
export interface Choice {
  /** By name; the kit's, and its peers if so asked, when empty. */
  readonly names: readonly string[];
  readonly withPeers: boolean;
  /** The only ones that a case has use for; all by default. Those named are measured all the same. */
  readonly wanted?: readonly string[];
}

/** The contenders of a service, the bare one first; none at all where the bare one would be alone. */
export function contendersFor(service: Service, { names, withPeers, wanted }: Choice): Contender[] {
  const chosen = CONTENDERS.filter((contender) => {
    if (contender.service !== service) return false;
    if (contender.group === "bare") return true;
    if (names.length > 0) return names.includes(contender.name);
    if (wanted && !wanted.includes(contender.name)) return false;
    return contender.group === "kit" || withPeers;
  });
  return chosen.length > 1 || names.includes(chosen[0].name) ? chosen : [];
}

/** The names that the command line knows, those of one service or all. */
export function contenderNames(service?: Service): string[] {
  return CONTENDERS.filter((contender) => service === undefined || contender.service === service)
    .map(({ name }) => name);
}
