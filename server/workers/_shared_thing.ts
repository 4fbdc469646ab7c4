/**
 * What one thread has, and others use over ports.
 *
 * @module
 */
import {
  type Caller,
  LocalCaller,
  type MessagePortLike,
  type Operations,
  PortCaller,
  PortServers,
} from "./_calls.ts";
import { SharedClosedError } from "./errors.ts";
import type { WaitOptions } from "./_patience.ts";

/**
 * The two ends of a shared thing are one class: the owner's answers calls, that of another thread makes them over a port.
 *
 * @example The owner's end, and another thread's
 * ```ts
 * import { Queue, SharedMap, type SharedThing } from "@switchboard/kit/workers";
 * import { assertEquals } from "@std/assert";
 *
 * const things: SharedThing[] = [new Queue<string>(), new SharedMap<string, number>()];
 * using elsewhere = new Queue<string>(things[0].connect()); // in a worker, as a rule
 * assertEquals(things.map(({ isOwner }) => isOwner), [true, true]);
 * assertEquals(elsewhere.isOwner, false);
 * for (const thing of things) thing.close();
 * ```
 */
export abstract class SharedThing implements Disposable {
  readonly #name: string;
  readonly #caller: Caller;
  /** Only the owner has them. */
  readonly #ports: PortServers | undefined;

  /** Made by the classes that extend it: the owner's end of the operations, the other ends of a port. */
  protected constructor(name: string, source: object) {
    this.#name = name;
    if (isPort(source)) {
      this.#caller = new PortCaller(source);
    } else {
      this.#caller = new LocalCaller(source as Operations);
      this.#ports = new PortServers(source as Operations);
    }
  }

  /** Whether this thread has it. */
  get isOwner(): boolean {
    return this.#ports !== undefined;
  }

  /**
   * A port to send to another thread, once, among what is transferred: `worker.postMessage(port, [port])`.
   *
   * @throws {TypeError} if this end is not the owner's
   * @throws {SharedClosedError} if it is closed
   */
  connect(): MessagePort {
    return this.#owned().connect();
  }

  /**
   * Answers who calls at the other end of a port. The port is closed when this end is.
   *
   * @throws {TypeError} if this end is not the owner's
   * @throws {SharedClosedError} if it is closed
   */
  serve(port: MessagePortLike): void {
    this.#owned().serve(port);
  }

  /** Closes this end, and if it is the owner's, all. Closing twice is harmless. */
  close(): void {
    this.#caller.close(new SharedClosedError(`${this.#name} is closed on this thread`));
    this.#ports?.close(`${this.#name} was closed by its owner`);
  }

  /** Closes it, at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Asks the owner; for the classes that extend it. */
  protected callOwner<R>(
    op: string,
    args: unknown[],
    options: WaitOptions & { what: string; certain?: boolean },
  ): Promise<R> {
    return this.#caller.call(op, args, options) as Promise<R>;
  }

  #owned(): PortServers {
    if (this.#ports) return this.#ports;
    throw new TypeError(`Only the owner of ${this.#name} can connect others: this end is a proxy`);
  }
}

/** Whether something has the shape of a port. */
export function isPort(source: object): source is MessagePortLike {
  return typeof (source as Partial<MessagePortLike>).postMessage === "function";
}
