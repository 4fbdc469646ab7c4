/**
 * Servers: TCP, TLS, UDP and Unix, their connections and packets, limits and observers.
 *
 * @example The life of a server
 * ```ts
 * import { connect, TcpServer } from "@switchboard/kit/server";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = new TcpServer((conn) => conn.sendAll("hello\n"), { port: 0, maxConnections: 100 });
 * await server.listen();
 * const serving = server.serveForever();
 *
 * using conn = await connect(server.addr);
 * assertEquals(await conn.readLine(), "hello");
 *
 * await server.shutdown({ signal: AbortSignal.timeout(10_000) });
 * await serving;
 * ```
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
  type ShutdownOptions,
} from "./base_server.ts";
export { connect, type ConnectOptions } from "./connect.ts";
export {
  Connection,
  type ConnectionOptions,
  type CopyOptions,
  type Detached,
  type ReadOptions,
  type ReadUntilOptions,
  type SendOptions,
} from "./connection.ts";
export { Datagram } from "./datagram.ts";
export {
  connectDatagram,
  type ConnectDatagramOptions,
  DatagramClient,
  type ReceiveOptions,
} from "./datagram_client.ts";
export { DatagramServer } from "./datagram_server.ts";
export type { DatagramSocket, Received } from "./_datagram_socket.ts";
export {
  AddressError,
  type CloseReason,
  ConnectionClosedError,
  HandlerModuleError,
  ServerClosedError,
  WorkerError,
} from "./errors.ts";
export {
  type DatagramHandler,
  type DatagramHandlerLike,
  type DatagramHandlerSource,
  resolveDatagramHandler,
  resolveStreamHandler,
  type StreamHandler,
  type StreamHandlerLike,
  type StreamHandlerSource,
  toDatagramHandler,
  toStreamHandler,
} from "./handler.ts";
export {
  type HandlerModule,
  type HandlerModuleOptions,
  loadHandler,
  type LoadHandlerOptions,
} from "./load.ts";
export {
  getHostByAddress,
  getHostByName,
  getServiceByName,
  getServiceByPort,
  type HostEntry,
  type ServiceProtocol,
} from "./names.ts";
export type { ConnectionInfo, ErrorPhase, EventName, EventOf, Observer, RefusalReason } from "./observer.ts";
export { Observers } from "./observer.ts";
export type {
  DatagramServerOptions,
  MulticastGroup,
  ServerOptions,
  StreamServerOptions,
  TcpServerOptions,
  TlsServerOptions,
  UdpServerOptions,
  UnixDatagramServerOptions,
  UnixServerOptions,
} from "./options.ts";
export { connectPermissions, type PermissionKind, type Permissions } from "./permissions.ts";
export {
  type AnyServer,
  type Handlers,
  serve,
  type ServeOptions,
  ServerGroup,
  type ServeWorkers,
} from "./serve.ts";
export type { SendFileOptions } from "./_send_file.ts";
export type { HandlerSetting, HandlerSettings, SettingValues } from "./settings.ts";
export { socketPair } from "./socket_pair.ts";
export type { ServerStats } from "./stats.ts";
export { StreamServer } from "./stream_server.ts";
export { TcpServer } from "./tcp_server.ts";
export { TlsServer } from "./tls_server.ts";
export type { TlsInfo, Transport } from "./_transport.ts";
export { UdpServer } from "./udp_server.ts";
export { UnixDatagramServer } from "./unix_datagram_server.ts";
export { UnixServer } from "./unix_server.ts";
export type { SocketReadiness } from "./_readiness.ts";
export {
  ForkingTcpServer,
  ForkingTlsServer,
  ForkingUdpServer,
  ForkingUnixServer,
} from "./workers/forking.ts";
export type { HandlerModuleLike } from "./workers/_kinds.ts";
export type { ForkingOptions, Mechanism, ThreadingOptions, WorkerOptions } from "./workers/options.ts";
export {
  ThreadingTcpServer,
  ThreadingTlsServer,
  ThreadingUdpServer,
  ThreadingUnixServer,
} from "./workers/threading.ts";
