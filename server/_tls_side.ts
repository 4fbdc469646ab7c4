/**
 * The two parts that one can have in TLS.
 *
 * @module
 */
import type { Duplex } from "node:stream";
import type { SecureContext, TLSSocket } from "node:tls";

/** A part in TLS: how its socket is made, and the event by which that says that the peer can be trusted. */
export interface TlsSide {
  /** TLS over a stream of encrypted bytes. Client certificates, SNI and the like will be options of these sockets. */
  open(wire: Duplex): TLSSocket;
  /** What the socket emits when the handshake is done; a client has verified the certificate then. */
  readonly secured: "secure" | "secureConnect";
}

/** The side that shows a certificate. */
export function serverSide(secureContext: SecureContext, alpnProtocols: readonly string[] = []): TlsSide {
  const { TLSSocket } = process.getBuiltinModule("node:tls");
  const options = { isServer: true, secureContext, ...offer(alpnProtocols) };
  return { open: (wire) => new TLSSocket(wire, options), secured: "secure" };
}

/** What a client is told. */
export interface ClientSideOptions {
  /** The name or IP address to expect in the certificate. */
  serverName: string;
  /** Certificates to trust besides those that Deno trusts. */
  caCerts?: readonly string[];
  /** The protocols to offer. */
  alpnProtocols?: readonly string[];
}

/** The side that verifies one, whatever `NODE_TLS_REJECT_UNAUTHORIZED` says. */
export function clientSide({ serverName, caCerts = [], alpnProtocols = [] }: ClientSideOptions): TlsSide {
  const { connect, createSecureContext } = process.getBuiltinModule("node:tls");
  const secureContext = createSecureContext();
  for (const cert of caCerts) secureContext.context.addCACert(cert); // an option "ca" would replace Deno's
  const options = { host: serverName, secureContext, rejectUnauthorized: true, ...offer(alpnProtocols) };
  return { open: (socket) => connect({ ...options, socket }), secured: "secureConnect" };
}

function offer(alpnProtocols: readonly string[]): { ALPNProtocols?: string[] } {
  return alpnProtocols.length > 0 ? { ALPNProtocols: [...alpnProtocols] } : {};
}
