/**
 * A connection's other side, without a socket.
 *
 * @module
 */
import type { Transport } from "../../mod.ts";

/** A transport that gives what a test lets arrive, and keeps what is written. */
export class MemoryTransport implements Transport {
  readonly localAddr: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 1 };
  readonly remoteAddr: Deno.NetAddr = { transport: "tcp", hostname: "127.0.0.1", port: 2 };
  /** What was written, write by write. */
  readonly written: Uint8Array[] = [];
  /** The most bytes that one write takes. */
  mostPerWrite = Infinity;
  /** Whether `closeWrite` was called. */
  writeEnded = false;
  /** Whether it was closed. */
  closed = false;
  /** How many reads were begun. */
  reads = 0;
  #incoming: (Uint8Array | Error | null)[] = [];
  #wake: (() => void) | undefined;
  #stalled: PromiseWithResolvers<void> | undefined;

  /** Lets bytes arrive, or a failure. */
  receive(incoming: Uint8Array | string | Error): this {
    this.#incoming.push(typeof incoming === "string" ? new TextEncoder().encode(incoming) : incoming);
    this.#wake?.();
    return this;
  }

  /** Lets the peer's end arrive. */
  end(): this {
    this.#incoming.push(null);
    this.#wake?.();
    return this;
  }

  /** Lets the peer take nothing until {@linkcode MemoryTransport.flow}. */
  stall(): void {
    this.#stalled ??= Promise.withResolvers();
  }

  /** Lets the peer take what is written. */
  flow(): void {
    this.#stalled?.resolve();
    this.#stalled = undefined;
  }

  async read(p: Uint8Array): Promise<number | null> {
    this.reads++;
    while (this.#incoming.length === 0) {
      if (this.closed) throw new Deno.errors.Interrupted("operation canceled");
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    if (this.closed) throw new Deno.errors.Interrupted("operation canceled");
    const next = this.#incoming[0];
    if (next === null) return null;
    if (next instanceof Error) throw next;
    const n = Math.min(p.length, next.length);
    p.set(next.subarray(0, n));
    if (n < next.length) this.#incoming[0] = next.subarray(n);
    else this.#incoming.shift();
    return n;
  }

  async write(p: Uint8Array): Promise<number> {
    await this.#stalled?.promise;
    if (this.closed) throw new Deno.errors.Interrupted("operation canceled");
    const n = Math.min(p.length, this.mostPerWrite);
    this.written.push(p.slice(0, n));
    return n;
  }

  /** All that was written, as text. */
  get text(): string {
    return this.written.map((bytes) => new TextDecoder().decode(bytes)).join("");
  }

  closeWrite(): Promise<void> {
    this.writeEnded = true;
    return Promise.resolve();
  }

  close(): void {
    if (this.closed) throw new Deno.errors.BadResource("Bad resource ID");
    this.closed = true;
    this.flow();
    this.#wake?.();
  }
}
