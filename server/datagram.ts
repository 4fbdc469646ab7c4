/**
 * One packet: what a handler is given, and how it answers.
 *
 * @module
 */
import type { Outbox } from "./_outbox.ts";
import { encodeText } from "./_text.ts";

/** What a server may do to a packet and its handler may not. Not exported by `mod.ts`. */
export interface DatagramControl {
  /** Aborts its signal. */
  abort(packet: Datagram, reason: unknown): void;
  /**
   * Says that its handler is over: nobody but the server can hear of what fails from now on. `false` if it was over.
   */
  end(packet: Datagram): boolean;
  /** Whether its handler is over. */
  isOver(packet: Datagram): boolean;
  /** Its place in a roster; -1 if it is in none. */
  place(packet: Datagram): number;
  /** Gives it a place. */
  setPlace(packet: Datagram, place: number): void;
}

/** See {@linkcode DatagramControl}. */
export let datagramControl: DatagramControl;

/**
 * A packet that came in over UDP or a Unix datagram socket.
 *
 * What it promises:
 *
 * - `data` belongs to the handler and is never overwritten. Packets of one server share blocks of memory: look at `data` and
 *   not at `data.buffer`, and copy what is to be transferred elsewhere.
 * - A packet that was longer than `maxPacketSize` is cut, and `truncated` says so.
 * - A reply goes out whole or not at all. One that fails and that nobody awaits does not end the process: if the handler
 *   is over by then, `handleError` is told.
 *
 * Where it came from is what its sender wrote there: over a network anybody can write anything, and an answer longer than
 * the question makes a server a weapon against whoever's address was written.
 *
 * @example A handler that echoes
 * ```ts
 * import { connectDatagram, serve } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * await using group = await serve({ listen: "udp://127.0.0.1:0" }, {
 *   datagram: (packet) => packet.reply(packet.data),
 * });
 * await using client = await connectDatagram(group.addr);
 * await client.send("hello");
 * assertEquals(new TextDecoder().decode(await client.receive()), "hello");
 * ```
 */
export class Datagram {
  /** The bytes. None at all is a packet too. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** The peer. A Unix peer that has no name has `path: null`; it cannot be replied to. */
  readonly remoteAddr: Deno.Addr;
  /** Whether the packet was longer than the server's `maxPacketSize`: `data` is its beginning. */
  readonly truncated: boolean;
  readonly #outbox: Outbox;
  #bytesOut = 0;
  #over = false;
  #place = -1;
  #controller: AbortController | undefined;
  #abortReason: unknown;

  /** A packet, answered through `outbox`. Servers make them. */
  constructor(data: Uint8Array<ArrayBuffer>, remoteAddr: Deno.Addr, truncated: boolean, outbox: Outbox) {
    this.data = data;
    this.remoteAddr = remoteAddr;
    this.truncated = truncated;
    this.#outbox = outbox;
  }

  /** This side's address. */
  get localAddr(): Deno.Addr {
    return this.#outbox.addr;
  }

  /** Bytes of the replies, those included that are still on their way. */
  get bytesOut(): number {
    return this.#bytesOut;
  }

  /**
   * Aborts when the server begins to drain or the packet is given up: what a handler passes on to whatever it waits for.
   * Made when it is first asked for.
   */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#abortReason) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  /** The bytes as text, read as UTF-8; what is none becomes U+FFFD. */
  text(): string {
    return decoder.decode(this.data);
  }

  /**
   * Sends one packet back. Resolves when the kernel has taken it, which says nothing about its arrival; until then `data`
   * must stay as it is.
   *
   * A close of the server rejects it. It cannot be aborted.
   *
   * @param data bytes, 65 507 at most over UDP; text is sent as UTF-8
   * @throws {Deno.errors.ConnectionRefused} where a Unix peer is gone; over UDP nobody tells
   * @throws {Deno.errors.NotFound} where the path of a Unix peer is removed
   * @throws {Deno.errors.AddrNotAvailable} where a Unix peer has no name
   * @throws {Deno.errors.TimedOut} where a Unix peer does not read
   * @throws {ServerClosedError} after the server was closed
   */
  reply(data: Uint8Array | string): Promise<void> {
    const bytes = typeof data === "string" ? encodeText(data) : data;
    this.#bytesOut += bytes.length;
    return this.#outbox.send(bytes, this.remoteAddr, this);
  }

  static {
    datagramControl = {
      abort: (packet, reason) => {
        packet.#abortReason ??= reason;
        packet.#controller?.abort(reason);
      },
      end: (packet) => !packet.#over && (packet.#over = true),
      isOver: (packet) => packet.#over,
      place: (packet) => packet.#place,
      setPlace: (packet, place) => packet.#place = place,
    };
  }
}

const decoder = new TextDecoder();
