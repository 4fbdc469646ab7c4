/**
 * Servers: TCP, TLS, UDP and Unix, their connections and packets, limits and observers.
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
export { type AnyServer, type Handlers, serve, type ServeOptions, ServerGroup } from "./serve.ts";
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
