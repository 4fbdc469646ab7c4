/**
 * Calls: what the owner of a shared thing answers, to its own thread and over ports to others.
 *
 * Each call has a number. Whoever called can give it up; an answer that must not get lost is kept until its arrival is confirmed.
 *
 * @module
 */
import { SharedClosedError } from "./errors.ts";
import { Patience, type WaitOptions } from "./_patience.ts";
import { type PackedError, packError, unpackError } from "./_remote_error.ts";

/**
 * What carries messages both ways: a `MessagePort`, or anything of its shape. An end that goes away without a word is noticed by
 * the "close" event; without it, what it had not confirmed comes back when the owner closes.
 */
export interface MessagePortLike {
  /** Sends a message; it throws if that cannot be cloned. */
  postMessage(message: unknown): void;
  /** Adds a listener. */
  addEventListener(type: string, listener: (event: Event) => void): void;
  /** Takes it out. */
  removeEventListener(type: string, listener: (event: Event) => void): void;
  /** A `MessagePort` delivers nothing before it is started. */
  start?(): void;
  /** Closes it. */
  close?(): void;
  /** From now on, waiting for messages keeps the program alive. */
  ref?(): void;
  /** It does not. */
  unref?(): void;
}

/** From a caller: a call, that it is given up, that its answer has arrived, or that nobody wants the answer any more. */
type Request =
  | { id: number; op: string; args: unknown[] }
  | { id: number; over: "cancel" | "confirm" | "refuse" };

/** From the owner. */
type Answer =
  | { id: number; value: unknown; confirm?: true }
  | { id: number; error: PackedError }
  | { id: number; cancelled: true }
  | { closed: string };

/** One call, as the owner sees it. */
export interface Call {
  /** Answers it. With a receipt the value is handed over, not copied, and the caller has to confirm that it has it. */
  answer(value: unknown, receipt?: Receipt): void;
  /** Fails it. */
  fail(error: unknown): void;
  /** What to do if it is given up before it is answered. */
  onCancel?: () => void;
}

/** What becomes of an answer: one of the two is called. */
export interface Receipt {
  /** The caller has it. */
  arrived(): void;
  /** The caller is gone, or wants it no more. */
  lost(): void;
}

/** What the owner can be asked, by name. */
export type Operations = Record<string, (call: Call, ...args: never[]) => void>;

/** How a call waits. */
export interface CallOptions extends WaitOptions {
  /** What cannot be done if time is up: "Cannot get an item". */
  what: string;
  /** A call that may have had its effect is not given up before the owner has said that it had none. */
  certain?: boolean;
}

/** Calls the operations of the owner, wherever that is. */
export interface Caller {
  /** Calls one and waits for its answer. */
  call(op: string, args: unknown[], options: CallOptions): Promise<unknown>;
  /** Ends it: calls that wait, and all later ones, fail. */
  close(error: SharedClosedError): void;
}

type Settle = { resolve: (value: unknown) => void; reject: (error: unknown) => void };

/** Calls on the owner's own thread. Arguments and answers are copied, as they are for the others. */
export class LocalCaller implements Caller {
  readonly #operations: Operations;
  readonly #waiting = new Set<Settle>();
  #closed: SharedClosedError | undefined;

  constructor(operations: Operations) {
    this.#operations = operations;
  }

  async call(op: string, args: unknown[], options: CallOptions): Promise<unknown> {
    if (this.#closed) throw this.#closed;
    using patience = new Patience(options, options.what);
    const { promise, ...settle } = Promise.withResolvers<unknown>();
    const call: Call = {
      answer: (value, receipt) => {
        if (patience.signal.aborted && !patience.none) return receipt?.lost(); // it has been given up in this moment
        settle.resolve(receipt ? value : structuredClone(value));
        receipt?.arrived();
      },
      fail: settle.reject,
    };
    this.#waiting.add(settle);
    try {
      this.#operations[op](call, ...structuredClone(args) as never[]);
      return await (patience.none ? promise : patience.for(promise));
    } catch (error) {
      if (error === patience.signal.reason) call.onCancel?.();
      throw error;
    } finally {
      this.#waiting.delete(settle);
    }
  }

  close(error: SharedClosedError): void {
    this.#closed ??= error;
    for (const { reject } of this.#waiting) reject(error);
  }
}

/** Calls over a port. The port keeps the program alive only while a call waits. */
export class PortCaller implements Caller {
  readonly #port: MessagePortLike;
  readonly #waiting = new Map<number, Settle>();
  #id = 0;
  #closed: SharedClosedError | undefined;

  constructor(port: MessagePortLike) {
    this.#port = port;
    port.addEventListener("message", this.#received);
    port.addEventListener("close", this.#gone);
    port.start?.();
    port.unref?.();
  }

  async call(op: string, args: unknown[], options: CallOptions): Promise<unknown> {
    if (this.#closed) throw this.#closed;
    using patience = new Patience(options, options.what);
    const id = ++this.#id;
    const { promise, ...settle } = Promise.withResolvers<unknown>();
    this.#port.postMessage({ id, op, args } satisfies Request);
    this.#waiting.set(id, settle);
    this.#port.ref?.();
    try {
      return await (patience.none ? promise : patience.for(promise));
    } catch (error) {
      if (error !== patience.signal.reason || this.#closed) throw error;
      this.#send({ id, over: "cancel" });
      if (!options.certain) throw error;
      return await promise.catch((answer) => {
        throw answer === CANCELLED ? error : answer;
      });
    } finally {
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) this.#port.unref?.();
    }
  }

  close(error: SharedClosedError): void {
    if (this.#closed) return;
    this.#closed = error;
    this.#port.removeEventListener("message", this.#received);
    this.#port.removeEventListener("close", this.#gone);
    this.#port.close?.();
    for (const { reject } of this.#waiting.values()) reject(error);
  }

  #received = (event: Event): void => {
    const answer = (event as MessageEvent<Answer>).data;
    if ("closed" in answer) return this.close(new SharedClosedError(answer.closed));
    const settle = this.#waiting.get(answer.id);
    if ("confirm" in answer) this.#send({ id: answer.id, over: settle ? "confirm" : "refuse" });
    if ("cancelled" in answer) settle?.reject(CANCELLED);
    else if ("error" in answer) settle?.reject(unpackError(answer.error));
    else settle?.resolve(answer.value);
  };

  #gone = (): void => this.close(new SharedClosedError("the thread of its owner is gone", "lost"));

  #send(request: Request): void {
    this.#port.postMessage(request);
  }
}

/** The owner's word that a call was given up before it had an effect. */
const CANCELLED = Symbol("cancelled");

/** What an owner has to do with one port: it answers the calls that come. */
export class PortServer {
  readonly #port: MessagePortLike;
  readonly #operations: Operations;
  readonly #onClose: () => void;
  /** Calls without an answer. */
  readonly #waiting = new Map<number, Call>();
  /** Answers whose arrival nobody has confirmed. */
  readonly #unconfirmed = new Map<number, Receipt>();

  constructor(port: MessagePortLike, operations: Operations, onClose: () => void) {
    this.#port = port;
    this.#operations = operations;
    this.#onClose = onClose;
    port.addEventListener("message", this.#received);
    port.addEventListener("close", this.#gone);
    port.start?.();
    port.unref?.();
  }

  /** Tells the other end and closes the port. */
  close(reason: string): void {
    this.#port.postMessage({ closed: reason } satisfies Answer);
    this.#gone();
    this.#port.close?.();
  }

  #received = (event: Event): void => {
    const request = (event as MessageEvent<Request>).data;
    if ("op" in request) this.#begin(request);
    else if (request.over === "cancel") this.#cancel(request.id);
    else this.#arrived(request.id, request.over === "confirm");
  };

  #begin({ id, op, args }: { id: number; op: string; args: unknown[] }): void {
    const call: Call = {
      answer: (value, receipt) => {
        this.#waiting.delete(id);
        if (receipt) this.#unconfirmed.set(id, receipt);
        this.#port.postMessage({ id, value, ...receipt && { confirm: true } } satisfies Answer);
      },
      fail: (error) => {
        this.#waiting.delete(id);
        this.#port.postMessage({ id, error: packError(error) } satisfies Answer);
      },
    };
    this.#waiting.set(id, call);
    if (Object.hasOwn(this.#operations, op)) this.#operations[op](call, ...args as never[]);
    else call.fail(new TypeError(`There is no operation "${op}"`));
  }

  #cancel(id: number): void {
    const call = this.#waiting.get(id);
    if (!call) return; // the answer is on its way
    this.#waiting.delete(id);
    call.onCancel?.();
    this.#port.postMessage({ id, cancelled: true } satisfies Answer);
  }

  #arrived(id: number, wanted: boolean): void {
    const receipt = this.#unconfirmed.get(id);
    this.#unconfirmed.delete(id);
    if (wanted) receipt?.arrived();
    else receipt?.lost();
  }

  #gone = (): void => {
    this.#port.removeEventListener("message", this.#received);
    this.#port.removeEventListener("close", this.#gone);
    for (const call of this.#waiting.values()) call.onCancel?.();
    this.#waiting.clear();
    for (const receipt of this.#unconfirmed.values()) receipt.lost();
    this.#unconfirmed.clear();
    this.#onClose();
  };
}

/** The ports of an owner. */
export class PortServers {
  readonly #servers = new Set<PortServer>();
  readonly #operations: Operations;
  #closed: string | undefined;

  constructor(operations: Operations) {
    this.#operations = operations;
  }

  /** Answers the calls that come over a port. */
  serve(port: MessagePortLike): void {
    this.#assertOpen();
    const server = new PortServer(port, this.#operations, () => this.#servers.delete(server));
    this.#servers.add(server);
  }

  /** Makes a port to send away, and answers the calls that come over it. */
  connect(): MessagePort {
    this.#assertOpen();
    const { port1, port2 } = new MessageChannel();
    this.serve(port1);
    return port2;
  }

  /** Tells all and closes their ports. */
  close(reason: string): void {
    this.#closed = reason;
    for (const server of [...this.#servers]) server.close(reason);
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new SharedClosedError(this.#closed);
  }
}
