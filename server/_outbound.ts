/**
 * The writing half of a connection.
 *
 * @module
 */
import { SEND_QUEUE_SIZE } from "./_buffers.ts";
import type { Connection } from "./connection.ts";
import { Failure } from "./_failure.ts";
import { ignore, rejected } from "./_inbound.ts";
import { SendLine, type Wire } from "./_send_line.ts";
import type { Transport } from "./_transport.ts";
import { Watchdog } from "./_watchdog.ts";

/**
 * Ends a connection of which nobody can know any more how much has gone out: the peer took nothing within the limit, or a
 * caller gave up.
 */
export type CutOff = (conn: Connection, error: unknown, reason: "write-timeout" | "closed") => void;

/**
 * Writes on behalf of callers, one after the other: each one's bytes go out whole and in the order of the calls.
 *
 * `sendAll` writes straight to the kernel while nothing else is on its way, with one promise. Whatever has to wait stands
 * in a {@linkcode SendLine}, which most connections never need.
 */
export class Outbound implements Wire {
  /** Bytes that the kernel has taken since the beginning. */
  total = 0;
  /** Bytes that were handed over since the beginning. */
  #accepted = 0;
  /** Started anew by every byte. */
  activity: Watchdog | undefined;
  /** Called when there may be room again, or a failure has come: a poller's. */
  watcher: (() => void) | undefined;
  /** What ended it, if something has. */
  failure: Failure | undefined;
  readonly #transport: Transport;
  readonly #conn: Connection;
  readonly #cutOff: CutOff;
  /** The end of this half, once it is to come. */
  #end: Promise<void> | undefined;
  #corked = false;
  /** What goes straight to the kernel now. */
  #bytes: Uint8Array | undefined;
  /** The promise of the last write that went straight there. */
  #direct: Promise<number> | undefined;
  #line: SendLine | undefined;
  #watchdog: Watchdog | undefined;

  /** The connection and one function for all of them: a closure for each is felt where there are many. */
  constructor(transport: Transport, conn: Connection, cutOff: CutOff) {
    this.#transport = transport;
    this.#conn = conn;
    this.#cutOff = cutOff;
  }

  /** The longest wait for the peer to take a byte, in milliseconds. */
  get timeout(): number | undefined {
    return this.#watchdog?.limit;
  }

  set timeout(ms: number | undefined) {
    this.#watchdog?.close();
    this.#watchdog = ms === undefined ? undefined : new Watchdog(ms, () => this.#expire(ms));
    if (this.#bytes || this.#line?.writing) this.#watchdog?.start();
  }

  /** How many bytes `send` would take now. */
  get room(): number {
    if (this.failure || this.#end) return 0;
    return this.#line ? this.#line.room : SEND_QUEUE_SIZE;
  }

  /** Whether `push` would do more than say 0: there is room, or an error to throw. */
  get answers(): boolean {
    return !this.#line || this.#line.room > 0 || this.failure !== undefined || this.#end !== undefined;
  }

  /** How many bytes were handed over and are not with the kernel. */
  get waiting(): number {
    return this.idle ? 0 : this.#accepted - this.total;
  }

  /** Whether everything has gone out. */
  get idle(): boolean {
    return !this.#bytes && (!this.#line || this.#line.empty);
  }

  /** Lets everything stand in line until it is set back, so that it goes out together. */
  set corked(corked: boolean) {
    this.#corked = corked;
    if (!corked && !this.#bytes) this.#line?.next();
  }

  /** Copies what there is room for, to go out soon; says how much. Throws what an earlier write has met with. */
  push(bytes: Uint8Array): number {
    if (this.failure) throw this.failure.error;
    if (this.#end) throw ended();
    const n = this.#inLine.push(bytes);
    this.#accepted += n;
    return n;
  }

  /** Resolves, to their number, when all of `bytes` are with the kernel. */
  write(bytes: Uint8Array, signal?: AbortSignal): Promise<number> {
    const error = this.#refusal(signal);
    if (error) return error;
    if (bytes.length === 0) return NOTHING;
    this.#accepted += bytes.length;
    return this.idle && !signal && !this.#corked
      ? this.#writeDirectly(bytes)
      : this.#inLine.write(bytes, signal);
  }

  /** Sends what nobody waits for, without a promise: straight to the kernel, or by way of the queue. May throw a failure. */
  post(bytes: Uint8Array): void {
    if (this.failure) throw this.failure.error;
    if (this.#end) throw ended();
    if (bytes.length === 0) return;
    this.#accepted += bytes.length;
    if (this.idle && !this.#corked) this.#writeDirectly(bytes);
    else if (bytes.length <= this.#inLine.room) this.#inLine.push(bytes);
    else this.#inLine.write(bytes);
  }

  /**
   * Resolves when everything before has gone out, and keeps the turn: until {@linkcode Outbound.release} nothing goes out
   * but what {@linkcode Outbound.writeHeld} is given.
   */
  hold(signal?: AbortSignal): Promise<unknown> {
    return this.#refusal(signal) ?? this.#inLine.hold(signal);
  }

  /** What `work` resolves to, for the caller that keeps its turn; rejects as soon as the connection is over. */
  whileHeld<T>(work: Promise<T>): Promise<T> {
    return this.#inLine.whileHeld(work);
  }

  /** Writes for the caller that keeps its turn. */
  writeHeld(bytes: Uint8Array): Promise<unknown> {
    if (this.failure) return rejected(this.failure.error);
    this.#accepted += bytes.length;
    return this.#inLine.writeHeld(bytes);
  }

  /** Ends the turn that was kept. */
  release(): void {
    if (!this.failure) this.#line?.release();
  }

  /** Resolves when everything that was handed over before has gone out. */
  flush(): Promise<unknown> {
    if (this.failure) return rejected(this.failure.error);
    return this.idle ? NOTHING : this.#inLine.flush();
  }

  /** Sends what is queued, and then the end. Every call resolves when that is done. */
  end(): Promise<void> {
    return this.#end ??= this.flush().then(() => this.#transport.closeWrite());
  }

  /** Whether `error` is what callers of this half see. */
  hasRaised(error: unknown): boolean {
    return this.failure?.isSeenAs(error) === true;
  }

  /** Ends every write, now and later; what is queued is dropped. */
  fail(failure: Failure): void {
    this.failure ??= failure;
    this.#watchdog?.close();
    this.#bytes = undefined;
    this.#direct?.catch(ignore); // it rejects when its operation does
    this.#line?.fail(this.failure.error);
    this.watcher?.();
  }

  get #inLine(): SendLine {
    return this.#line ??= new SendLine(this);
  }

  #refusal(signal: AbortSignal | undefined): Promise<never> | undefined {
    if (this.failure) return rejected(this.failure.error);
    if (this.#end) return rejected(ended());
    return signal?.aborted ? rejected(signal.reason) : undefined;
  }

  /** The usual case, with one promise: nothing else is on its way, and the kernel takes all at once. */
  #writeDirectly(bytes: Uint8Array): Promise<number> {
    this.#bytes = bytes;
    return this.#direct = this.transmit(bytes).then(this.#wrote, this.#failed);
  }

  #wrote = (n: number): Promise<number> | number => {
    if (this.failure) throw this.failure.error;
    const bytes = this.#bytes!;
    this.#bytes = undefined;
    if (n < bytes.length) return this.#inLine.goOn(bytes, n); // a slow peer's kernel had no room for the rest
    this.#direct = undefined;
    this.account(n);
    this.rest();
    this.#line?.next();
    return n;
  };

  #failed = (error: unknown): never => {
    this.failed(error);
    throw this.failure!.error;
  };

  #expire(ms: number): void {
    const error = new Deno.errors.TimedOut(`the peer took no byte within ${ms} ms`);
    this.#cutOff(this.#conn, error, "write-timeout");
  }

  // --- The wire of the line ----------------------------------------------------------------------------------------

  /** Whether something is on its way that did not stand in line, or nothing may be. */
  get taken(): boolean {
    return this.#bytes !== undefined || this.#corked;
  }

  /** Writes, under the time limit. */
  transmit(bytes: Uint8Array): Promise<number> {
    this.#watchdog?.start();
    return this.#transport.write(bytes);
  }

  /** Counts bytes that the kernel has taken. */
  account(n: number): void {
    this.total += n;
    this.activity?.start();
  }

  /** Nothing is on its way: the time limit rests. */
  rest(): void {
    this.#watchdog?.stop();
  }

  /** The poller is told. */
  tellRoom(): void {
    this.watcher?.();
  }

  /** The kernel took no more. */
  failed(error: unknown): void {
    if (!this.failure) this.fail(Failure.of(error));
  }

  /** How much has gone out is unknown from here on. */
  giveUp(reason: unknown): void {
    this.#cutOff(this.#conn, reason, "closed");
  }
}

const NOTHING = Promise.resolve(0);

function ended(): Error {
  return new Deno.errors.BrokenPipe("the writing half of this connection is closed");
}
