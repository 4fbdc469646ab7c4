/**
 * A server of datagrams inside a worker: packets are given to it, and what it sends goes through its parent's socket.
 *
 * @module
 */
import { type Datagram, datagramControl } from "../datagram.ts";
import { DatagramServer } from "../datagram_server.ts";
import type { DatagramSocket, Received } from "../_datagram_socket.ts";
import type { DatagramHandler } from "../handler.ts";
import type { HandlerModule } from "../load.ts";
import type { ErrorPhase } from "../observer.ts";
import type { DatagramServerOptions } from "../options.ts";
import type { Assignment, Order, Word } from "./_messages.ts";
import { type PackedError, packError, unpackError } from "./_remote_error.ts";

/** Handles the packets of one worker. */
export class PacketWorker {
  readonly #socket: GivenSocket;
  readonly #server: GivenDatagramServer;
  readonly #say: (word: Word) => void;
  /** Those that the parent waits for; a packet as soon as its handler has begun. */
  readonly #open = new Map<number, Datagram | undefined>();
  #draining = false;

  constructor({ options, hostname, port }: Assignment, module: HandlerModule, say: (word: Word) => void) {
    this.#say = say;
    this.#socket = new GivenSocket({ transport: "udp", hostname, port }, say);
    const { maxPacketSize } = options as DatagramServerOptions;
    const own: DatagramServerOptions = {
      maxPacketSize,
      maxInFlight: Infinity, // what is limited is limited by the parent
      observers: [{
        refused: ({ remoteAddr }) => this.#over(remoteAddr, { refused: true }),
        error: ({ error, phase, remoteAddr }) => this.#failed(error, phase, remoteAddr),
      }],
    };
    this.#server = new GivenDatagramServer(this.#telling(module.datagram!), own, this.#socket);
    if (module.verifyRequest) this.#server.verifyRequest = module.verifyRequest;
  }

  /** Begins to serve. */
  async begin(): Promise<Deno.Addr> {
    await this.#server.listen();
    void this.#server.serveForever();
    return this.#server.addr;
  }

  /** What the parent says. */
  heard(order: Order): void {
    switch (order.do) {
      case "packet":
        this.#open.set(order.id, undefined);
        return this.#socket.give(order.id, asReceived(order), order.remoteAddr);
      case "sent":
        return this.#socket.sent(order.seq, order.error && unpackError(order.error));
      case "ping":
        return this.#say({ say: "pong", bytes: new Float64Array() });
      case "wind-down":
        return windDown(this.#open.get(order.id));
      case "drain":
        this.#draining = true;
        return this.#open.forEach(windDown);
      case "close":
        return void this.#server.close();
    }
  }

  /** Ends it. */
  async end(): Promise<void> {
    await this.#server.close();
  }

  /** The handler, with a word to the parent when it is over. */
  #telling(handler: DatagramHandler): DatagramHandler {
    return async (packet, server) => {
      const id = this.#socket.idOf(packet.remoteAddr)!;
      this.#open.set(id, packet);
      if (this.#draining) windDown(packet);
      try {
        await handler(packet, server);
        this.#over(packet.remoteAddr, {});
      } catch (error) {
        this.#over(packet.remoteAddr, { error: packError(error) });
      }
    };
  }

  #over(remoteAddr: Deno.Addr, how: { error?: PackedError; refused?: boolean }): boolean {
    const id = this.#socket.idOf(remoteAddr);
    if (id === undefined || !this.#open.delete(id)) return false;
    this.#say({ say: "handled", id, ...how });
    return true;
  }

  /** What a hook threw is its packet's end; a reply that fails later is told. */
  #failed(thrown: unknown, phase: ErrorPhase, remoteAddr: Deno.Addr | undefined): void {
    const error = packError(thrown);
    if (remoteAddr && this.#over(remoteAddr, { error })) return;
    this.#say({ say: "error", error, phase, remoteAddr });
  }
}

/** Lets a handler know that it should come to its end. */
function windDown(packet: Datagram | undefined): void {
  if (packet) datagramControl.abort(packet, new DOMException("the server is draining", "AbortError"));
}

/** With one byte more where it was cut: so a server knows it of a packet from the kernel. */
function asReceived({ data, truncated }: Extract<Order, { do: "packet" }>): Uint8Array<ArrayBuffer> {
  if (!truncated) return data as Uint8Array<ArrayBuffer>;
  const longer = new Uint8Array(data.length + 1);
  longer.set(data);
  return longer;
}

class GivenDatagramServer extends DatagramServer {
  readonly #socket: GivenSocket;

  constructor(handler: DatagramHandler, options: DatagramServerOptions, socket: GivenSocket) {
    super(handler, options);
    this.#socket = socket;
  }

  get addr(): Deno.Addr {
    return this.#socket.addr;
  }

  protected openSocket(): Promise<DatagramSocket> {
    return Promise.resolve(this.#socket);
  }
}

class GivenSocket implements DatagramSocket {
  readonly addr: Deno.Addr;
  readonly say: (word: Word) => void;
  readonly #queue: Received[] = [];
  readonly #ids = new WeakMap<object, number>();
  readonly #sending = new Map<number, PromiseWithResolvers<number>>();
  #waiting: PromiseWithResolvers<Received> | undefined;
  #seq = 0;

  constructor(addr: Deno.Addr, say: (word: Word) => void) {
    this.addr = addr;
    this.say = say;
  }

  /** What the parent calls the packet from this very address object. */
  idOf(addr: Deno.Addr): number | undefined {
    return this.#ids.get(addr);
  }

  give(id: number, data: Uint8Array<ArrayBuffer>, remoteAddr: Deno.Addr): void {
    this.#ids.set(remoteAddr, id);
    this.#queue.push([data, remoteAddr]);
    this.#serve();
  }

  receive(): Promise<Received> {
    this.#waiting = Promise.withResolvers();
    const { promise } = this.#waiting;
    this.#serve();
    return promise;
  }

  #serve(): void {
    if (!this.#waiting || this.#queue.length === 0) return;
    this.#waiting.resolve(this.#queue.shift()!);
    this.#waiting = undefined;
  }

  send(bytes: Uint8Array, to: Deno.Addr): Promise<number> {
    const seq = ++this.#seq;
    const sending = Promise.withResolvers<number>();
    this.#sending.set(seq, sending);
    this.say({ say: "send", seq, data: bytes.slice(), to, answers: this.#ids.get(to) });
    return sending.promise.then(() => bytes.length);
  }

  sent(seq: number, error: unknown): void {
    const sending = this.#sending.get(seq);
    this.#sending.delete(seq);
    if (error) sending?.reject(error);
    else sending?.resolve(0);
  }

  close(): void {
    this.#waiting?.reject(new Deno.errors.BadResource("Listener has been closed"));
    this.#waiting = undefined;
  }
}
