/**
 * Names of services and hosts: what Python's `socket` module looks up and neither Deno nor `node:` does.
 * SOCKETS.md says what stands for the other socket functions.
 *
 * @module
 */
import { COMMON_SERVICES } from "./_common_services.ts";

/** Loaded when first asked for: loading it costs more than all of the kit. */
const dns = () => process.getBuiltinModule("node:dns/promises");
const isIP = (address: string) => process.getBuiltinModule("node:net").isIP(address);

/** What a service is reached over. */
export type ServiceProtocol = "tcp" | "udp";

/** One line of the services database. */
interface Service {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly aliases: readonly string[];
}

const SERVICES_FILE = Deno.build.os === "windows"
  ? "C:\\Windows\\System32\\drivers\\etc\\services"
  : "/etc/services";

/**
 * The port of a service: `getservbyname`.
 *
 * Looks into the system's services file; where there is none, or without the permission to read it, into a
 * built-in table of the common ones. The file is read once, and no permission is asked for.
 *
 * @param name its name or an alias, in the case of the database
 * @param protocol only a service over this one; without it the first of the name
 * @returns the port
 * @throws {Deno.errors.NotFound} if there is no such service; the message names it
 *
 * @example
 * ```ts
 * import { getServiceByName } from "@switchboard/kit";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * assertEquals(getServiceByName("domain", "udp"), 53);
 * assertThrows(() => getServiceByName("no-such-service"), Deno.errors.NotFound);
 * ```
 */
export function getServiceByName(name: string, protocol?: ServiceProtocol): number {
  const found = services().find((service) =>
    (service.name === name || service.aliases.includes(name)) && serves(service, protocol)
  );
  if (found) return found.port;
  throw new Deno.errors.NotFound(`There is no service "${name}"${over(protocol)}`);
}

/**
 * The name of the service that has a port: `getservbyport`. See {@linkcode getServiceByName} for where it
 * looks.
 *
 * @param port 0 to 65 535
 * @param protocol only a service over this one; without it the first that has the port
 * @returns its official name
 * @throws {Deno.errors.NotFound} if no service has the port; the message names it
 * @throws {RangeError} if that is no port
 *
 * @example
 * ```ts
 * import { getServiceByPort } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(getServiceByPort(22), "ssh");
 * ```
 */
export function getServiceByPort(port: number, protocol?: ServiceProtocol): string {
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new RangeError(`A port is a whole number from 0 to 65535: received ${port}`);
  }
  const found = services().find((service) => service.port === port && serves(service, protocol));
  if (found) return found.name;
  throw new Deno.errors.NotFound(`There is no service on port ${port}${over(protocol)}`);
}

function serves(service: Service, protocol: ServiceProtocol | undefined): boolean {
  return protocol === undefined || service.protocol === protocol;
}

function over(protocol: ServiceProtocol | undefined): string {
  return protocol ? ` over ${protocol}` : "";
}

let known: readonly Service[] | undefined;

function services(): readonly Service[] {
  return known ??= parseServices(readServices() ?? COMMON_SERVICES);
}

/**
 * The file, or `undefined` where it cannot be had. Asking for the permission would interrupt a program for a
 * name.
 */
function readServices(): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "read", path: SERVICES_FILE });
  if (state !== "granted") return undefined;
  try {
    return Deno.readTextFileSync(SERVICES_FILE);
  } catch {
    return undefined; // a small container often has none
  }
}

/**
 * Reads the format of services(5): `NAME PORT/PROTOCOL [ALIAS …] [# COMMENT]`; lines of any other form are
 * skipped.
 *
 * @param text the content of such a file
 */
export function parseServices(text: string): Service[] {
  return text.split("\n").flatMap((line) => {
    const [name, place = "", ...aliases] = line.replace(/#.*/, "").trim().split(/\s+/);
    const [, port, protocol] = /^(\d{1,5})\/(\w+)$/.exec(place) ?? [];
    return port ? [{ name, port: Number(port), protocol, aliases }] : [];
  });
}

/** A host as Python's `gethostbyname_ex` and `gethostbyaddr` describe it. */
export interface HostEntry {
  /** Its first name. */
  hostname: string;
  /** Its other names. */
  aliases: string[];
  /** Its addresses. */
  addresses: string[];
}

/**
 * The names and IPv4 addresses of a host: `gethostbyname_ex`. Asks what the system asks (its hosts file,
 * DNS).
 *
 * It cannot be aborted; the system's resolver gives up by itself.
 *
 * @param name a host name, or an IPv4 address, which is its own name
 * @throws {Error} with the `code` `"ENOTFOUND"` if there is no such host
 *
 * @example
 * ```ts
 * import { getHostByName } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals((await getHostByName("localhost")).addresses, ["127.0.0.1"]);
 * ```
 */
export async function getHostByName(name: string): Promise<HostEntry> {
  const found = await dns().lookup(name, { all: true, family: 4 });
  const hostname = await canonicalName(name);
  const addresses = [...new Set(found.map(({ address }) => address))];
  return { hostname, aliases: hostname === name ? [] : [name], addresses };
}

/** What DNS says that a name is an alias of. A name without a dot, or an address, is none in DNS. */
async function canonicalName(name: string): Promise<string> {
  if (!name.includes(".") || isIP(name) > 0) return name;
  try {
    return (await dns().resolveCname(name))[0] ?? name;
  } catch {
    return name; // it has an address, and no other name
  }
}

/**
 * The names of an address: `gethostbyaddr`. Asks what the system asks (its hosts file, DNS).
 *
 * It cannot be aborted; the system's resolver gives up by itself.
 *
 * @param address an IPv4 or IPv6 address; not a host name
 * @throws {TypeError} if it is no address
 * @throws {Error} with a `code` such as `"ENOTFOUND"` if the address has no name
 *
 * @example
 * ```ts
 * import { getHostByAddress } from "@switchboard/kit";
 * import { assertRejects } from "@std/assert";
 *
 * await assertRejects(() => getHostByAddress("localhost"), TypeError);
 * ```
 */
export async function getHostByAddress(address: string): Promise<HostEntry> {
  if (isIP(address) === 0) throw new TypeError(`Expected an IP address, got "${address}"`);
  const [hostname, ...aliases] = await dns().reverse(address);
  return { hostname, aliases, addresses: [address] };
}
