/**
 * A transport whose bytes are carried by messages: the worker's end of a relay.
 *
 * @module
 */
import { ChunkPipe } from "./_chunk_pipe.ts";
import type { Given, Order, Word } from "./_messages.ts";
import { unpackError } from "./_remote_error.ts";
import type { TlsInfo, Transport } from "../_transport.ts";

/** A `Transport` over the link to the server. */
export class RelayedTransport implements Transport {
  readonly localAddr: Deno.Addr;
  readonly remoteAddr: Deno.Addr;
  readonly tls: TlsInfo | undefined;
  /** Called once when it is closed. */
  closed: (() => void) | undefined;
  readonly #id: number;
  readonly #say: (word: Word) => void;
  readonly #incoming: ChunkPipe;
  #writing: { promise: PromiseWithResolvers<number>; length: number } | undefined;
  #isClosed = false;

  constructor({ id, localAddr, remoteAddr, tls }: Given, say: (word: Word) => void) {
    this.#id = id;
    this.#say = say;
    this.localAddr = localAddr;
    this.remoteAddr = remoteAddr;
    this.tls = tls;
    this.#incoming = new ChunkPipe((count) => {
      if (!this.#isClosed) say({ say: "taken", id, count });
    });
  }

  /** What the server says about this connection. */
  heard(order: Order): void {
    switch (order.do) {
      case "bytes":
        return this.#incoming.push(order.chunk);
      case "end":
        return this.#incoming.end();
      case "fail":
        return this.#incoming.fail(unpackError(order.error));
      case "wrote":
        return this.#wrote(order.error && unpackError(order.error));
    }
  }

  read(p: Uint8Array): Promise<number | null> {
    return this.#incoming.read(p);
  }

  write(p: Uint8Array): Promise<number> {
    if (this.#isClosed) return Promise.reject(closed());
    const promise = Promise.withResolvers<number>();
    this.#writing = { promise, length: p.length };
    this.#say({ say: "write", id: this.#id, chunk: p.slice() }); // the whole of `p.buffer` would travel
    return promise.promise;
  }

  #wrote(error: unknown): void {
    const writing = this.#writing;
    this.#writing = undefined;
    if (error) writing?.promise.reject(error);
    else writing?.promise.resolve(writing.length);
  }

  closeWrite(): Promise<void> {
    this.#say({ say: "end", id: this.#id });
    return Promise.resolve();
  }

  close(): void {
    this.#isClosed = true;
    this.#incoming.fail(closed());
    this.#writing?.promise.reject(closed());
    this.closed?.();
    this.closed = undefined;
  }
}

function closed(): Error {
  return new Deno.errors.Interrupted("operation canceled");
}
