/**
 * Handlers: the classes to make one's own of, and those that are shipped.
 *
 * @example A shipped handler by its name
 * ```ts
 * import { resolveHandler } from "@switchboard/kit/handlers";
 * import { assert } from "@std/assert";
 *
 * const echo = await resolveHandler("echo");
 * assert(echo.stream && echo.datagram);
 * ```
 *
 * @module
 */
export { DatagramRequestHandler } from "./datagram_request_handler.ts";
export { execHandler, type ExecOptions, type ExecStatus } from "./exec.ts";
export { PacketReader } from "./packet_reader.ts";
export { PacketWriter } from "./packet_writer.ts";
export { BaseRequestHandler, type RequestHandlerClass, StreamRequestHandler } from "./request_handler.ts";
export { StreamReader } from "./stream_reader.ts";
export { StreamWriter } from "./stream_writer.ts";
export { resolveHandler, type ShippedHandler, shippedHandlers } from "./shipped.ts";
export { DatagramProtocol, type DatagramTransport } from "./datagram_protocol.ts";
export {
  FrameReceiver,
  LengthPrefixedReceiver,
  LineReceiver,
  NetstringReceiver,
  StringReceiver,
} from "./frame_receivers.ts";
export {
  ClientFactory,
  type Connector,
  Factory,
  LimitTotalConnectionsFactory,
  Protocol,
  type ProtocolClass,
  ServerFactory,
} from "./protocol.ts";
export { ConnectionAborted, ConnectionDone, ConnectionLost } from "./protocol_errors.ts";
export { type Producer, ProtocolTransport, runProtocol } from "./protocol_transport.ts";
