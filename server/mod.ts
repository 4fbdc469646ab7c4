/**
 * Servers: TCP and Unix, their connections, limits and observers.
 *
 * @module
 */
export { Admission, type AdmissionOptions, type Permit } from "./admission.ts";
export {
  type Endpoint,
  type EndpointLike,
  formatAddr,
  formatHostPort,
  type NetEndpoint,
  parseEndpoint,
  parseHostPort,
  peerKey,
  type UnixEndpoint,
} from "./address.ts";
export {
  BaseServer,
  type HandleRequestOptions,
  type Listening,
  type ServeForeverOptions,
  type ServerStats,
  type ShutdownOptions,
} from "./base_server.ts";
export { connect, type ConnectOptions } from "./connect.ts";
export {
  Connection,
  type ConnectionOptions,
  type Detached,
  type ReadOptions,
  type ReadUntilOptions,
  type SendOptions,
} from "./connection.ts";
export {
  AddressError,
  type CloseReason,
  ConnectionClosedError,
  HandlerModuleError,
  ServerClosedError,
} from "./errors.ts";
export {
  resolveStreamHandler,
  type StreamHandler,
  type StreamHandlerLike,
  type StreamHandlerSource,
  toStreamHandler,
} from "./handler.ts";
export type { ConnectionInfo, ErrorPhase, Observer, RefusalReason } from "./observer.ts";
export { Observers } from "./observer.ts";
export type { ServerOptions, StreamServerOptions, TcpServerOptions, UnixServerOptions } from "./options.ts";
export { type AnyServer, type Handlers, serve, type ServeOptions, ServerGroup } from "./serve.ts";
export { StreamServer } from "./stream_server.ts";
export { TcpServer } from "./tcp_server.ts";
export type { Transport } from "./_transport.ts";
export { UnixServer } from "./unix_server.ts";
