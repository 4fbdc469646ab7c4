/**
 * What a program learns of its connection.
 *
 * @module
 */
import { unmapped } from "../server/address.ts";
import type { Connection } from "../server/connection.ts";

/**
 * The variables of ucspi-tcp, ucspi-ssl and ucspi-unix (https://cr.yp.to/proto/ucspi.txt); `SSL_…` as in Apache's
 * mod_ssl.
 *
 * @param addr where the server listens: a connection knows a Unix socket by the name under which it was bound, and that
 * is another one
 */
export function connectionVariables(conn: Connection, addr: Deno.Addr): Record<string, string> {
  const { localAddr: local, remoteAddr: remote, tls } = conn;
  if (local.transport === "tcp" && remote.transport === "tcp") {
    const tcp = places("TCP", local, remote);
    return tls
      ? { PROTO: "SSL", ...tcp, ...places("SSL", local, remote), ...agreed(conn) }
      : { PROTO: "TCP", ...tcp };
  }
  return { PROTO: "UNIX", ...path("UNIXLOCALPATH", addr), ...path("UNIXREMOTEPATH", remote) };
}

function places(protocol: string, local: Deno.NetAddr, remote: Deno.NetAddr): Record<string, string> {
  return {
    [`${protocol}LOCALIP`]: unmapped(local.hostname),
    [`${protocol}LOCALPORT`]: String(local.port),
    [`${protocol}REMOTEIP`]: unmapped(remote.hostname),
    [`${protocol}REMOTEPORT`]: String(remote.port),
  };
}

function agreed({ tls }: Connection): Record<string, string> {
  const { protocol, cipher, serverName } = tls ?? {};
  return {
    ...protocol && { SSL_PROTOCOL: protocol },
    ...cipher && { SSL_CIPHER: cipher },
    // The client's word: nothing but what a host's name is made of gets into an environment.
    ...serverName && /^[\w.-]{1,255}$/.test(serverName) && { SSL_TLS_SNI: serverName },
  };
}

/** An abstract name begins with a zero byte, which no environment can hold; `@` stands for it, as in ss(8). */
function path(name: string, addr: Deno.Addr): Record<string, string> {
  return "path" in addr && addr.path ? { [name]: addr.path.replaceAll("\0", "@") } : {};
}
