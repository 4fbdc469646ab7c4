/**
 * Handlers of datagrams as classes, in the manner of Python's `socketserver`.
 *
 * @module
 */
import type { Datagram } from "../server/datagram.ts";
import type { DatagramServer } from "../server/datagram_server.ts";
import { type DatagramHandler, toDatagramHandler, toStreamHandler } from "../server/handler.ts";
import { PacketReader } from "./packet_reader.ts";
import { PacketWriter } from "./packet_writer.ts";
import { BaseRequestHandler, type RequestHandlerClass } from "./request_handler.ts";

/**
 * Serves one packet, with {@linkcode DatagramRequestHandler.rfile} to read it bit by bit and
 * {@linkcode DatagramRequestHandler.wfile} to write an answer, which goes out as one packet.
 *
 * It answers only when something was written and `handle` succeeded. Python's answers every packet, with an empty one if
 * nothing was written and with half an answer if `handle` failed: unasked replies to whoever's address the packet bears.
 *
 * @example
 * ```ts
 * import { connectDatagram, DatagramRequestHandler, UdpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * class Shout extends DatagramRequestHandler {
 *   override handle() {
 *     for (const line of this.rfile.lines()) this.wfile.write(line.toUpperCase() + "\n");
 *   }
 * }
 * await using server = await new UdpServer(Shout).listen();
 * const serving = server.serveForever();
 *
 * await using client = await connectDatagram(server.addr);
 * await client.send("one\ntwo\n");
 * assertEquals(new TextDecoder().decode(await client.receive()), "ONE\nTWO\n");
 *
 * await server.shutdown();
 * await serving;
 * ```
 */
export class DatagramRequestHandler extends BaseRequestHandler<Datagram> {
  /** The server that serves it. */
  declare readonly server: DatagramServer;
  /** The packet, as `request`. Set by `setup`, as is all that follows. */
  declare packet: Datagram;
  /** Reads the packet. */
  declare rfile: PacketReader;
  /** Collects the answer. */
  declare wfile: PacketWriter;

  /** Makes `rfile` and `wfile`. An override calls `super.setup()`. */
  override setup(): void | Promise<void> {
    this.packet = this.request;
    this.rfile = new PacketReader(this.packet.data);
    this.wfile = new PacketWriter();
  }

  /** Sends what was written. An override calls `super.finish()`. */
  override finish(): void | Promise<void> {
    if (this.wfile.written) return this.packet.reply(this.wfile.bytes());
  }

  /** Makes the function that datagram servers call: an instance for every packet. */
  static override [toDatagramHandler](this: RequestHandlerClass<Datagram>): DatagramHandler {
    return (packet, server) => {
      const handler = new this(packet, packet.remoteAddr, server);
      return runDatagramHandler(handler as DatagramRequestHandler);
    };
  }

  /** Says that it serves packets. */
  static override [toStreamHandler](): never {
    throw new TypeError(
      `The class ${this.name} handles datagrams: for connections extend StreamRequestHandler`,
    );
  }
}

/** The three steps. No async function: this runs for every packet, and a handler that need not wait makes no promise. */
function runDatagramHandler(handler: DatagramRequestHandler): void | Promise<void> {
  const setup = handler.setup();
  return setup ? setup.then(() => handled(handler)) : handled(handler);
}

function handled(handler: DatagramRequestHandler): void | Promise<void> {
  let work: void | Promise<void>;
  try {
    work = handler.handle();
  } catch (error) {
    return failed(handler, error);
  }
  return work ? work.then(() => handler.finish(), (error) => failed(handler, error)) : handler.finish();
}

/** An answer of which `handle` has thrown half is not sent; what `finish` throws goes before what `handle` has thrown. */
function failed(handler: DatagramRequestHandler, error: unknown): Promise<never> {
  handler.wfile?.clear(); // none where an override of `setup` has made none
  return Promise.resolve(handler.finish()).then(() => Promise.reject(error));
}
