/**
 * Handlers that are called with what happens, in the manner of Twisted.
 *
 * @module
 */
import type { Connection } from "../server/connection.ts";
import { type StreamHandler, toStreamHandler } from "../server/handler.ts";
import { type ProtocolTransport, runProtocol } from "./protocol_transport.ts";

/** A class whose instances speak on one connection each. */
export type ProtocolClass<P extends Protocol = Protocol> = new () => P;

/**
 * Speaks on one connection, by being called: `connectionMade`, then `dataReceived` for whatever comes, then
 * `connectionLost`, once. Twisted's `Protocol`.
 *
 * What it returns and throws:
 *
 * - A callback that returns a promise is waited for before more is read.
 * - What `connectionMade` or `dataReceived` throws ends the connection: it is the reason given to `connectionLost`, and the
 *   server's observers are told.
 * - What `connectionLost` throws is told to the observers.
 *
 * The class itself is a handler for every stream server of the kit; what all its connections share belongs in a
 * {@linkcode ServerFactory}.
 *
 * @example Twisted's echo, on a server of the kit
 * ```ts
 * import { connect, Protocol, TcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * class Echo extends Protocol {
 *   override dataReceived(data: Uint8Array) {
 *     this.transport.write(data);
 *   }
 * }
 * await using server = await new TcpServer(Echo).listen();
 * const serving = server.serveForever();
 *
 * using conn = await connect(server.addr);
 * await conn.sendAll("hello\n");
 * assertEquals(await conn.readLine(), "hello");
 *
 * await server.shutdown();
 * await serving;
 * ```
 */
export class Protocol {
  /** What made it, if a factory did. */
  factory: Factory | undefined;
  /** What to write to. There from `connectionMade` on, and still there in `connectionLost`. */
  transport!: ProtocolTransport;
  /** Whether it was ever connected. */
  connected = false;

  /**
   * Connects it to a transport: sets `transport`, then calls `connectionMade`.
   *
   * @param transport what to write to
   * @returns what `connectionMade` returns
   */
  makeConnection(transport: ProtocolTransport): void | Promise<void> {
    this.connected = true;
    this.transport = transport;
    return this.connectionMade();
  }

  /** Called when the connection is there. Does nothing here. */
  connectionMade(): void | Promise<void> {}

  /**
   * Called with what has come: at most 64 KiB, cut anywhere. Does nothing here.
   *
   * @param _data the bytes; they belong to the protocol
   */
  dataReceived(_data: Uint8Array<ArrayBuffer>): void | Promise<void> {}

  /**
   * Called once, when the connection is over. Does nothing here.
   *
   * @param _reason `ConnectionDone`, `ConnectionLost`, `ConnectionAborted`, or what this protocol threw
   */
  connectionLost(_reason: Error): void | Promise<void> {}

  /** If a subclass has it: called when the peer has ended its half. This side may go on writing until `loseConnection`. */
  readConnectionLost?(): void | Promise<void>;

  /** If a subclass has it: called when `loseWriteConnection` has ended this half. */
  writeConnectionLost?(): void;

  /** If a subclass has it: called when reading goes on after a pause, before anything new is read. */
  resumed?(): void | Promise<void>;

  /**
   * Limits how long no byte may go either way. Twisted's `TimeoutMixin`.
   *
   * @param ms the limit in milliseconds; `undefined` for none
   * @returns the limit until now
   */
  setTimeout(ms: number | undefined): number | undefined {
    const before = this.transport.idleTimeout;
    this.transport.idleTimeout = ms;
    return before;
  }

  /** Pushes that limit back, as a byte does. */
  resetTimeout(): void {
    this.transport.resetTimeout();
  }

  /** Called when that limit was reached. Closes the connection. */
  timeoutConnection(): void {
    this.transport.loseConnection();
  }

  /**
   * Makes the function that stream servers call: a protocol for every connection.
   *
   * @returns the handler
   */
  static [toStreamHandler](this: ProtocolClass): StreamHandler {
    return ServerFactory.forProtocol(this)[toStreamHandler]();
  }
}

/**
 * Makes protocols, and holds what they share. Twisted's `Factory`. What it makes is for a server, see
 * {@linkcode ServerFactory}, or for connections that this side makes, see {@linkcode ClientFactory}.
 *
 * @example A protocol that knows its factory
 * ```ts
 * import { Protocol, ServerFactory } from "@switchboard/kit";
 * import { assert, assertEquals } from "@std/assert";
 *
 * class Room extends ServerFactory {
 *   override protocol = Guest;
 *   readonly name = "hall";
 * }
 * class Guest extends Protocol {
 *   get room() {
 *     return (this.factory as Room).name;
 *   }
 * }
 * const guest = new Room().buildProtocol({ transport: "tcp", hostname: "127.0.0.1", port: 1 });
 * assert(guest instanceof Guest);
 * assertEquals(guest.room, "hall");
 * ```
 */
export abstract class Factory {
  /** What {@linkcode Factory.buildProtocol} makes; to be set, or else that to be overridden. */
  protocol: ProtocolClass | undefined;
  /** How many of its connections are open. */
  connectionCount = 0;
  #users = 0;

  /**
   * Makes the protocol for a connection: an instance of `protocol` that knows this factory.
   *
   * @param _addr the peer
   * @returns the protocol, or `null` to close the connection
   * @throws {TypeError} if `protocol` was not set
   */
  buildProtocol(_addr: Deno.Addr): Protocol | null {
    if (!this.protocol) throw new TypeError("Cannot build a protocol: the factory's `protocol` is not set");
    const protocol = new this.protocol();
    protocol.factory = this;
    return protocol;
  }

  /**
   * Called before its first use: when a port is opened, or an attempt to connect is made, and there was none. Does nothing
   * here. What it throws closes the port, and rejects its opening.
   */
  startFactory(): void {}

  /** Called after its last use. Connections may still be open. Does nothing here. */
  stopFactory(): void {}

  /**
   * Counts a use; the reactor calls it.
   *
   * @throws what `startFactory` throws; the use does not count then
   */
  doStart(): void {
    if (this.#users === 0) this.startFactory();
    this.#users++; // a start that throws is none
  }

  /**
   * Counts its end; the reactor calls it.
   *
   * @throws what `stopFactory` throws
   */
  doStop(): void {
    if (this.#users > 0 && --this.#users === 0) this.stopFactory();
  }

  /**
   * Runs a protocol of this factory on a connection, to its end, and counts it meanwhile. See {@linkcode runProtocol}.
   *
   * @param conn what it reads and writes
   * @param protocol what is told
   * @returns why it is over
   * @throws what the protocol threw
   */
  protected runProtocol(conn: Connection, protocol: Protocol): Promise<Error> {
    return runProtocol(conn, protocol, this);
  }
}

/**
 * A factory for a server's connections: for `Reactor.listenTcp`, and a handler for every stream server of the kit.
 *
 * @example State that connections share
 * ```ts
 * import { connect, Protocol, ServerFactory, TcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * class Count extends Protocol {
 *   override connectionMade() {
 *     const factory = this.factory as CountFactory;
 *     this.transport.write(new TextEncoder().encode(`${++factory.calls}\n`));
 *     this.transport.loseConnection();
 *   }
 * }
 * class CountFactory extends ServerFactory {
 *   override protocol = Count;
 *   calls = 0;
 * }
 * await using server = await new TcpServer(new CountFactory()).listen();
 * const serving = server.serveForever();
 * for (const expected of ["1", "2"]) {
 *   using conn = await connect(server.addr);
 *   assertEquals(await conn.readLine(), expected);
 * }
 * await server.shutdown();
 * await serving;
 * ```
 */
export class ServerFactory extends Factory {
  /**
   * A factory for a class of protocols, without a class of its own.
   *
   * @param protocol the class
   * @returns the factory
   */
  static forProtocol(protocol: ProtocolClass): ServerFactory {
    const factory = new ServerFactory();
    factory.protocol = protocol;
    return factory;
  }

  /**
   * Makes the function that stream servers call: a protocol of this factory for every connection.
   *
   * @returns the handler
   */
  [toStreamHandler](): StreamHandler {
    return (conn) => {
      const protocol = this.buildProtocol(conn.remoteAddr);
      return protocol ? this.runProtocol(conn, protocol) : undefined;
    };
  }
}

/** An attempt to connect, which can be given up or be made again. Twisted's `IConnector`. */
export interface Connector {
  /** Where to. */
  readonly destination: Deno.Addr;
  /** Where it stands. */
  readonly state: "connecting" | "connected" | "disconnected";
  /** Tries again, after it failed or was lost. */
  connect(): void;
  /** Gives up: an attempt that has not succeeded, or the connection. */
  disconnect(): void;
}

/**
 * A factory for connections that this side makes, with `Reactor.connectTcp`. Twisted's `ClientFactory`.
 *
 * @example One question, one answer
 * ```ts
 * import { ClientFactory, Protocol, TcpServer } from "@switchboard/kit";
 * import { Reactor } from "@switchboard/kit/multiplex";
 * import { assertEquals } from "@std/assert";
 *
 * await using server = await new TcpServer((conn) => conn.sendAll("hello")).listen();
 * const serving = server.serveForever();
 *
 * let answer = "";
 * class Listen extends Protocol {
 *   override dataReceived(data: Uint8Array) {
 *     answer += new TextDecoder().decode(data);
 *   }
 * }
 * const reactor = new Reactor();
 * const factory = ClientFactory.forProtocol(Listen);
 * factory.clientConnectionLost = () => reactor.stop();
 * reactor.connectTcp("127.0.0.1", server.addr.port, factory);
 * await reactor.run();
 * assertEquals(answer, "hello");
 *
 * await server.shutdown();
 * await serving;
 * ```
 */
export class ClientFactory extends Factory {
  /**
   * A factory for a class of protocols, without a class of its own.
   *
   * @param protocol the class
   * @returns the factory
   */
  static forProtocol(protocol: ProtocolClass): ClientFactory {
    const factory = new ClientFactory();
    factory.protocol = protocol;
    return factory;
  }

  /**
   * Called when an attempt begins. Does nothing here.
   *
   * @param _connector the attempt, to be given up
   */
  startedConnecting(_connector: Connector): void {}

  /**
   * Called when an attempt has failed. `connector.connect()` tries again. Does nothing here.
   *
   * @param _connector the attempt
   * @param _reason why it failed
   */
  clientConnectionFailed(_connector: Connector, _reason: Error): void {}

  /**
   * Called when a connection is over, after its protocol's `connectionLost`. `connector.connect()` tries again. Does nothing
   * here.
   *
   * @param _connector the attempt that had succeeded
   * @param _reason the one that the protocol was given
   */
  clientConnectionLost(_connector: Connector, _reason: Error): void {}

  /**
   * Runs a connection of this factory to its end; the reactor calls it.
   *
   * @param conn the connection
   * @returns why it is over; `undefined` if `buildProtocol` gave none
   * @throws what the protocol threw
   */
  async serve(conn: Connection): Promise<Error | undefined> {
    const protocol = this.buildProtocol(conn.remoteAddr);
    return protocol ? await this.runProtocol(conn, protocol) : undefined;
  }
}

/**
 * A factory that serves no more than so many connections at once. Twisted's `LimitTotalConnectionsFactory`.
 *
 * A server's `maxConnections` lets the others wait in the kernel's queue; this turns them away, with a word if it has an
 * overflow protocol.
 *
 * @example
 * ```ts
 * import { connect, LimitTotalConnectionsFactory, Protocol, TcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * class Greet extends Protocol {
 *   override connectionMade() {
 *     this.transport.write(new TextEncoder().encode("hello\n"));
 *   }
 * }
 * class Full extends Protocol {
 *   override connectionMade() {
 *     this.transport.write(new TextEncoder().encode("we are full\n"));
 *     this.transport.loseConnection();
 *   }
 * }
 * const factory = new LimitTotalConnectionsFactory();
 * factory.protocol = Greet;
 * factory.connectionLimit = 1;
 * factory.overflowProtocol = Full;
 * await using server = await new TcpServer(factory, { port: 0 }).listen();
 * const serving = server.serveForever();
 *
 * using first = await connect(server.addr);
 * assertEquals(await first.readLine(), "hello");
 * using second = await connect(server.addr);
 * assertEquals(await second.readLine(), "we are full");
 * await server.shutdown();
 * await serving;
 * ```
 */
export class LimitTotalConnectionsFactory extends ServerFactory {
  /** How many. */
  connectionLimit: number = Infinity;
  /** What speaks to those beyond the limit. They count as well. */
  overflowProtocol: ProtocolClass | undefined;

  /**
   * A protocol, the overflow protocol, or none.
   *
   * @param addr the peer
   * @returns `null` beyond the limit, if there is no overflow protocol
   */
  override buildProtocol(addr: Deno.Addr): Protocol | null {
    if (this.connectionCount < this.connectionLimit) return super.buildProtocol(addr);
    if (!this.overflowProtocol) return null;
    const protocol = new this.overflowProtocol();
    protocol.factory = this;
    return protocol;
  }
}
