/** Who takes part: every server that can be measured, what it speaks, and how it is started. */

import type { Command } from "./child.ts";
import type { Workshop } from "./workshop.ts";

/** What a contender does for its clients; a workload asks for one of these. */
export type Service =
  | "echo"
  | "datagram_echo"
  | "poll_echo"
  | "reactor_echo"
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
  /** `bare` is what ratios refer to; peers take part when asked for. */
  readonly group: "bare" | "kit" | "peer";
  /** How to start it; throws `MissingToolError` where that cannot be done. */
  command(workshop: Workshop): Promise<Command>;
}

type Start = Contender["command"];

function bare(service: Service, name: string, title: string, command: Start): Contender {
  return { group: "bare", service, name, title, command };
}

function kit(service: Service, name: string, title: string): Contender {
  return { group: "kit", service, name, title, command: (shop) => shop.deno(`peers/${name}.ts`) };
}

function peer(service: Service, name: string, title: string, command: Start): Contender {
  return { group: "peer", service, name, title, command };
}

const CONTENDERS: readonly Contender[] = [
  bare("echo", "bare", "bare Deno", (shop) => shop.deno("peers/bare.ts")),
  kit("echo", "kit_function", "kit, function"),
  kit("echo", "kit_iteration", "kit, iteration"),
  kit("echo", "kit_stream_handler", "kit, StreamRequestHandler"),
  peer("echo", "bare_64k", "bare Deno, 64 KiB buffer", (shop) => shop.deno("peers/bare_64k.ts")),
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
  peer("echo", "go", "Go net", (shop) => shop.go("peers/echo.go")),
  peer("echo", "c_epoll", "C epoll loop", (shop) => shop.c("peers/epoll_echo.c")),
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
  bare("poll_echo", "poll_bare", "bare Deno", (shop) => shop.deno("peers/bare.ts")),
  kit("poll_echo", "kit_poller", "kit, Poller"),
  peer(
    "poll_echo",
    "poll_selectors",
    "Python selectors",
    (shop) => shop.python("peers/selectors_echo.py", "selectors"),
  ),
  bare("reactor_echo", "reactor_bare", "bare Deno", (shop) => shop.deno("peers/bare.ts")),
  kit("reactor_echo", "kit_reactor", "kit, Reactor"),
  peer(
    "reactor_echo",
    "reactor_twisted",
    "Twisted",
    (shop) => shop.python("peers/twisted_echo.py", "twisted"),
  ),
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
  peer("datagram_echo", "go_udp", "Go net", (shop) => shop.go("peers/udp.go")),
  peer("datagram_echo", "c_udp", "C loop", (shop) => shop.c("peers/udp.c")),
];

/**
 * The contenders of a service, the bare one first: those named, or else the kit and, when asked for, its peers. None
 * at all where the bare one would be alone.
 */
export function contendersFor(service: Service, names: readonly string[], withPeers: boolean): Contender[] {
  const chosen = CONTENDERS.filter((contender) => {
    if (contender.service !== service) return false;
    if (contender.group === "bare") return true;
    if (names.length > 0) return names.includes(contender.name);
    return contender.group === "kit" || withPeers;
  });
  return chosen.length > 1 || names.includes(chosen[0].name) ? chosen : [];
}

/** The names that the command line knows. */
export function contenderNames(): string[] {
  return CONTENDERS.map((contender) => contender.name);
}
