/**
 * A transport over a socket of `node:net`: what one process can hand to another.
 *
 * @module
 */
import type { Socket } from "node:net";
import { ChunkPipe } from "./_chunk_pipe.ts";
import type { Transport } from "../_transport.ts";

/** The socket is paused while more bytes than this wait to be read. */
const MOST_WAITING = 65_536;

/** A `Transport` over a `net.Socket`. Nothing is read from the socket before the first `read`. */
export class NodeTransport implements Transport {
  readonly localAddr: Deno.Addr;
  readonly remoteAddr: Deno.Addr;
  /** Called once when it is closed. */
  closed: (() => void) | undefined;
  readonly #socket: Socket;
  readonly #incoming: ChunkPipe;
  #waiting = 0;
  #flowing = false;
  #failure: { error: unknown } | undefined;
  #writing: PromiseWithResolvers<number> | undefined;

  constructor(socket: Socket, { localAddr, remoteAddr }: Pick<Transport, "localAddr" | "remoteAddr">) {
    this.#socket = socket;
    this.localAddr = localAddr;
    this.remoteAddr = remoteAddr;
    this.#incoming = new ChunkPipe((count) => this.#took(count));
    socket.allowHalfOpen = true; // one that came from another process would end its side with the peer's
    socket.on("error", this.#fail); // also before the first read: an error that nobody hears ends the process
  }

  /** Gives the socket away. This transport is of no use any more, and its close does nothing. */
  release(): Socket {
    this.#socket.off("error", this.#fail);
    this.#socket.on("error", () => {}); // it may still fail on its way
    this.close = () => {};
    return this.#socket;
  }

  read(p: Uint8Array): Promise<number | null> {
    if (!this.#flowing) this.#flow();
    return this.#incoming.read(p);
  }

  #flow(): void {
    this.#flowing = true;
    this.#socket.on("data", (chunk: Uint8Array) => {
      this.#waiting += chunk.length;
      this.#incoming.push(chunk);
      if (this.#waiting > MOST_WAITING) this.#socket.pause();
    });
    this.#socket.once("end", () => this.#incoming.end());
    this.#socket.resume();
  }

  #took(count: number): void {
    this.#waiting -= count;
    if (this.#waiting <= MOST_WAITING && this.#socket.isPaused()) this.#socket.resume();
  }

  #fail = (error: unknown): void => {
    this.#failure ??= { error: denos(error) };
    this.#incoming.fail(this.#failure.error);
    this.#writing?.reject(this.#failure.error);
  };

  write(p: Uint8Array): Promise<number> {
    if (this.#failure) return Promise.reject(this.#failure.error);
    const writing = this.#writing = Promise.withResolvers<number>();
    this.#socket.write(p, (error) => error ? writing.reject(denos(error)) : writing.resolve(p.length));
    return writing.promise;
  }

  closeWrite(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure.error);
    return new Promise((resolve) => this.#socket.end(() => resolve()));
  }

  close(): void {
    this.#fail(new Deno.errors.Interrupted("operation canceled"));
    this.#socket.destroy();
    this.closed?.();
    this.closed = undefined;
  }

  setNoDelay(noDelay?: boolean): void {
    if (this.remoteAddr.transport === "tcp") this.#socket.setNoDelay(noDelay);
  }

  setKeepAlive(keepAlive?: boolean): void {
    if (this.remoteAddr.transport === "tcp") this.#socket.setKeepAlive(keepAlive);
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }
}

/** Node's errors as Deno's connections throw them. */
function denos(error: unknown): unknown {
  const code = (error as { code?: string } | null)?.code;
  const message = error instanceof Error ? error.message : String(error);
  if (code === "ECONNRESET") return new Deno.errors.ConnectionReset(message);
  if (code === "EPIPE" || code === "ERR_STREAM_DESTROYED") return new Deno.errors.BrokenPipe(message);
  if (code === "ECONNABORTED") return new Deno.errors.ConnectionAborted(message);
  return error;
}
