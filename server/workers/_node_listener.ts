/**
 * A listener over `node:net`, whose sockets another process can be given.
 *
 * @module
 */
import type { Server, Socket } from "node:net";
import { formatHostPort } from "../address.ts";
import { missingPermissions } from "../permissions.ts";
import { NodeTransport } from "./_node_transport.ts";

/**
 * How many accepted sockets may wait for the server: `node:net` accepts whether it has room or not. As far as clients can
 * see, they are in the kernel's queue. Beyond, they are closed.
 */
const MOST_WAITING = 1_024;

/** Binds; errors are Deno's. */
export async function bindNodeListener(
  options: Deno.TcpListenOptions | { transport: "unix"; path: string },
): Promise<Deno.Listener> {
  const { createServer } = process.getBuiltinModule("node:net");
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.once("listening", resolve);
  if ("path" in options) server.listen({ path: options.path });
  else {
    const { hostname: host, port, tcpBacklog: backlog } = options as Deno.TcpListenOptions & {
      tcpBacklog?: number;
    };
    assertMayListen(host, port);
    server.listen({ host, port, backlog });
  }
  try {
    await promise;
  } catch (error) {
    server.close();
    throw denos(error);
  }
  return new NodeListener(server, addrOf(server, options)) as unknown as Deno.Listener;
}

/** `node:net` would throw where nobody can catch it. */
function assertMayListen(hostname = "0.0.0.0", port = 0): void {
  const host = formatHostPort({ hostname, port });
  const missing = missingPermissions({ net: [host] }, { ask: true });
  if (missing.net) throw new Deno.errors.NotCapable(`Requires net access to "${host}"`);
}

function addrOf(server: Server, options: object): Deno.Addr {
  const address = server.address();
  if (typeof address !== "object" || address === null) {
    return { transport: "unix", path: (options as { path: string }).path };
  }
  return { transport: "tcp", hostname: address.address, port: address.port };
}

/** In the shape of a `Deno.Listener`, as far as the kit's servers look at one. */
class NodeListener {
  readonly addr: Deno.Addr;
  readonly #server: Server;
  readonly #queue: Socket[] = [];
  #waiting: PromiseWithResolvers<NodeTransport> | undefined;
  #failure: unknown;
  #closed = false;

  constructor(server: Server, addr: Deno.Addr) {
    this.#server = server;
    this.addr = addr;
    server.on("connection", (socket) => {
      if (this.#queue.length >= MOST_WAITING) return socket.destroy();
      socket.on("error", () => {}); // a client that leaves while it waits
      this.#queue.push(socket);
      this.#serve();
    });
    server.on("error", (error) => {
      this.#failure = denos(error);
      this.#serve();
    });
  }

  accept(): Promise<NodeTransport> {
    if (this.#closed) return Promise.reject(closed());
    this.#waiting = Promise.withResolvers();
    const { promise } = this.#waiting;
    this.#serve();
    return promise;
  }

  #serve(): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    const socket = this.#queue.shift();
    if (!socket && !this.#failure) return;
    this.#waiting = undefined;
    if (socket) return waiting.resolve(new NodeTransport(socket, this.#addrsOf(socket)));
    const failure = this.#failure;
    this.#failure = undefined;
    waiting.reject(failure);
  }

  #addrsOf(socket: Socket): { localAddr: Deno.Addr; remoteAddr: Deno.Addr } {
    const { transport } = this.addr;
    if (transport === "unix") {
      return { localAddr: this.addr, remoteAddr: { transport, path: null as unknown as string } };
    }
    const { localAddress = "", localPort = 0, remoteAddress = "", remotePort = 0 } = socket;
    return {
      localAddr: { transport: "tcp", hostname: localAddress, port: localPort },
      remoteAddr: { transport: "tcp", hostname: remoteAddress, port: remotePort },
    };
  }

  close(): void {
    this.#closed = true;
    this.#waiting?.reject(closed());
    this.#waiting = undefined;
    for (const socket of this.#queue.splice(0)) socket.destroy();
    this.#server.close();
  }

  ref(): void {
    this.#server.ref();
  }

  unref(): void {
    this.#server.unref();
  }
}

function closed(): Error {
  return new Deno.errors.BadResource("Listener has been closed");
}

/** Node's errors as Deno's listeners throw them. */
function denos(error: unknown): unknown {
  const { code, message } = error as { code?: string; message: string };
  if (code === "EADDRINUSE") return new Deno.errors.AddrInUse("the address is in use");
  if (code === "EADDRNOTAVAIL") return new Deno.errors.AddrNotAvailable(message);
  if (code === "EACCES") return new Deno.errors.PermissionDenied(message);
  if (code === "ENOENT") return new Deno.errors.NotFound(message);
  return error;
}
