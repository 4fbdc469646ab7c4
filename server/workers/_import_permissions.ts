/**
 * From where a child process may import modules.
 *
 * @module
 */
import { missingPermissions, type Permissions } from "../permissions.ts";

/** From where Deno imports unless it is told otherwise. One flag takes its place whole, so then these are named, too. */
const TRUSTED: readonly string[] = [
  "jsr.io:443",
  "deno.land:443",
  "esm.sh:443",
  "cdn.jsdelivr.net:443",
  "raw.githubusercontent.com:443",
  "gist.githubusercontent.com:443",
];

/** No module is there (RFC 6761). The flag takes no empty list, and `--deny-import` leaves out those that Deno trusts. */
const NOWHERE = "nowhere.invalid:443";

/**
 * The hosts that a child is told, beside those that it is given by name: never more than this process may import from.
 *
 * @param urls the modules that the child is started with
 * @param given what the child's permissions say already
 * @returns nothing where Deno's own choice is right
 */
export function importPermissions(
  urls: readonly string[],
  given: Permissions["import"],
): Pick<Permissions, "import"> {
  if (given === true) return { import: true };
  const hosts = urls.filter(isRemote).map(hostOf);
  const others = given ?? TRUSTED.filter((host) => !missingPermissions({ import: [host] }).import);
  const isUsual = !given && others.length === TRUSTED.length && hosts.every((host) => others.includes(host));
  if (isUsual) return {};
  const all = [...new Set([...hosts, ...others])];
  return { import: all.length > 0 ? all : [NOWHERE] };
}

/** With its port: Deno compares them so. */
function hostOf(url: string): string {
  const { hostname, port, protocol } = new URL(url);
  return `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
}

/** Whether a module is a file, or from where Deno imports unless it is told otherwise. */
export function isUsualSource(url: string): boolean {
  return !isRemote(url) || TRUSTED.includes(hostOf(url));
}

function isRemote(url: string): boolean {
  return /^https?:/.test(url);
}
