/**
 * Endpoints as people write them, addresses as logs show them, and peers as limits count them.
 *
 * @module
 */
import { AddressError } from "./errors.ts";

/** An endpoint of TCP, TLS or UDP. */
export interface NetEndpoint {
  /** `"tcp"`, `"tls"` (TLS over TCP) or `"udp"`. */
  transport: "tcp" | "tls" | "udp";
  /** A host name or an IP address, without brackets. */
  hostname: string;
  /** 0 to 65 535; 0 lets the system choose when listening. */
  port: number;
}

/** An endpoint on this machine's file system (or, on Linux, with a leading NUL in the abstract name space). */
export interface UnixEndpoint {
  /** `"unix"` is a stream, `"unixgram"` datagrams. */
  transport: "unix" | "unixgram";
  /** The path of the socket. */
  path: string;
}

/** Where a server listens or a client connects. */
export type Endpoint = NetEndpoint | UnixEndpoint;

/** What {@linkcode parseEndpoint} and those who call it accept. */
export type EndpointLike = string | Endpoint | Deno.Addr;

const FORMS = 'write "tcp://HOST:PORT", "tls://HOST:PORT", "udp://HOST:PORT", "unix:PATH" or "unixgram:PATH"';

/**
 * Reads an endpoint: `tcp://127.0.0.1:9999`, `tls://[::1]:9999`, `udp://localhost:53`, `unix:/run/x.sock`,
 * `unixgram:/run/y.sock`.
 *
 * An empty host is loopback (`tcp://:9999`), `*` is every IPv4 address of the machine, and a path that begins with `@`
 * is an abstract name (Linux). An object that is an endpoint or a `Deno.Addr` already comes back checked.
 *
 * @param endpoint the text, endpoint or address
 * @returns the endpoint
 * @throws {AddressError} if it cannot be understood; the message names it
 *
 * @example Reading
 * ```ts
 * import { parseEndpoint } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseEndpoint("tcp://[::1]:9999"), { transport: "tcp", hostname: "::1", port: 9999 });
 * assertEquals(parseEndpoint("unix:/run/x.sock"), { transport: "unix", path: "/run/x.sock" });
 * ```
 */
export function parseEndpoint(endpoint: EndpointLike): Endpoint {
  if (typeof endpoint !== "string") return checkEndpoint(endpoint);
  const unix = /^(unix|unixgram):(?:\/\/(?=\/))?(.*)$/s.exec(endpoint);
  if (unix?.[2].startsWith("//")) {
    throw new AddressError(`Cannot read the endpoint "${endpoint}": a host has no place in it, ${FORMS}`);
  }
  if (unix) {
    return {
      transport: unix[1] as "unix" | "unixgram",
      path: checkPath(unix[2].replace(/^@/, "\0"), endpoint),
    };
  }
  const net = /^(tcp|tls|udp):\/\/(.*)$/s.exec(endpoint);
  if (!net) throw new AddressError(`Cannot read the endpoint "${endpoint}": ${FORMS}`);
  return { transport: net[1] as "tcp" | "tls" | "udp", ...parseHostPort(net[2], endpoint) };
}

/**
 * Reads `HOST:PORT`, `[IPV6]:PORT`, `:PORT` or `PORT`.
 *
 * @param text what to read
 * @param whole what an error message quotes
 * @returns the host name (loopback if there is none) and the port
 * @throws {AddressError} if it is none of these
 *
 * @example
 * ```ts
 * import { parseHostPort } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseHostPort("[::1]:9"), { hostname: "::1", port: 9 });
 * assertEquals(parseHostPort("9"), { hostname: "127.0.0.1", port: 9 });
 * ```
 */
export function parseHostPort(text: string, whole: string = text): { hostname: string; port: number } {
  const parts = /^(?:(?:\[([^\]]+)\]|([^:[\]/\s]*)):)?(\d{1,5})$/.exec(text);
  if (!parts) {
    const hint = text.split(":").length > 2 && !text.includes("[")
      ? "; an IPv6 address stands in brackets"
      : "";
    throw new AddressError(`Cannot read the address "${whole}": expected HOST:PORT${hint}`);
  }
  const hostname = parts[1] ?? parts[2] ?? "";
  return {
    hostname: hostname === "*" ? "0.0.0.0" : hostname || "127.0.0.1",
    port: checkPort(Number(parts[3]), whole),
  };
}

function checkEndpoint(endpoint: Endpoint | Deno.Addr): Endpoint {
  switch (endpoint?.transport) {
    case "unix":
    case "unixgram":
      return { transport: endpoint.transport, path: checkPath(endpoint.path, String(endpoint.path)) };
    case "unixpacket" as string:
      return { transport: "unixgram", path: checkPath((endpoint as Deno.UnixAddr).path, "unixpacket") };
    case "tcp":
    case "tls":
    case "udp": {
      const { transport, hostname, port } = endpoint as NetEndpoint;
      return { transport, hostname: hostname || "127.0.0.1", port: checkPort(port, `${hostname}:${port}`) };
    }
    default:
      throw new AddressError(`Cannot read the endpoint ${JSON.stringify(endpoint)}: ${FORMS}`);
  }
}

function checkPort(port: number, whole: string): number {
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  throw new AddressError(
    `Cannot read the address "${whole}": a port is a number from 0 to 65535, not ${port}`,
  );
}

/** `sun_path` of the system holds this many bytes and a NUL: 108 on Linux, 104 elsewhere. */
export const LONGEST_PATH: number = Deno.build.os === "linux" ? 107 : 103;

function checkPath(path: string | null, whole: string): string {
  if (!path) throw new AddressError(`Cannot read the endpoint "${whole}": it has no path`);
  const bytes = new TextEncoder().encode(path).length;
  if (bytes > LONGEST_PATH) {
    throw new AddressError(
      `The path of a Unix socket has at most ${LONGEST_PATH} bytes, this one has ${bytes}: "${path}"`,
    );
  }
  if (path.includes("\0", 1)) {
    throw new AddressError(`The path of a Unix socket cannot hold a NUL: ${JSON.stringify(path)}`);
  }
  return path;
}

/**
 * An address as text, in the form that {@linkcode parseEndpoint} reads.
 *
 * @param addr an address of Deno's, or an endpoint
 * @param transport what to say instead of the address's own transport (`"tls"` for a TCP address, say)
 * @returns for example `"tcp://127.0.0.1:9999"`; a Unix peer without a name is `"unix:"`
 *
 * @example
 * ```ts
 * import { formatAddr } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatAddr({ transport: "tcp", hostname: "::1", port: 80 }), "tcp://[::1]:80");
 * ```
 */
export function formatAddr(addr: Deno.Addr | Endpoint, transport: string = addr.transport): string {
  if (!("path" in addr)) return `${transport}://${formatHostPort(addr as Deno.NetAddr)}`;
  const scheme = transport === "unixpacket" ? "unixgram" : transport;
  return `${scheme}:${(addr.path ?? "").replace(/^\0/, "@")}`;
}

/**
 * `HOST:PORT`, with brackets around an IPv6 address.
 *
 * @example
 * ```ts
 * import { formatHostPort } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatHostPort({ hostname: "::1", port: 7000 }), "[::1]:7000");
 * ```
 */
export function formatHostPort({ hostname, port }: { hostname: string; port: number }): string {
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/**
 * The name under which limits count a peer: its IPv4 address (an IPv4-mapped one folded in), or the /64 of its IPv6
 * address, since one customer usually has a whole /64. Unix peers have none: the file's mode says who may come.
 *
 * @param addr the peer's address
 * @returns for example `"192.0.2.7"` or `"2001:db8:0:1::/64"`, or `undefined` for a Unix peer
 *
 * @example
 * ```ts
 * import { peerKey } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(peerKey({ transport: "tcp", hostname: "::ffff:192.0.2.7", port: 1 }), "192.0.2.7");
 * assertEquals(peerKey({ transport: "tcp", hostname: "2001:db8::7", port: 1 }), "2001:db8:0:0::/64");
 * ```
 */
export function peerKey(addr: Deno.Addr): string | undefined {
  if (!("hostname" in addr)) return undefined;
  const hostname = unmapped(addr.hostname);
  return hostname.includes(":") ? `${firstGroups(hostname, 4).join(":")}::/64` : hostname;
}

/** An IPv4-mapped IPv6 address as the IPv4 address that it is; every other address as it came. */
export function unmapped(hostname: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(hostname);
  if (mapped) return mapped[1];
  const hex = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/i.exec(hostname);
  if (!hex) return hostname;
  const [high, low] = [parseInt(hex[1], 16), parseInt(hex[2], 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** The first `count` 16-bit groups of an IPv6 address, in hexadecimal, what `::` stands for written out. */
function firstGroups(hostname: string, count: number): string[] {
  const [front, back] = hostname.replace(/%.*$/, "").split("::").map((half) => half ? half.split(":") : []);
  const groups = back === undefined
    ? front
    : [...front, ...new Array<string>(Math.max(0, 8 - front.length - back.length)).fill("0"), ...back];
  return groups.slice(0, count).map((group) => parseInt(group, 16).toString(16));
}
