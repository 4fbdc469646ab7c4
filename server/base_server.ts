/**
 * What all servers have in common: their life, their hooks, and the loop that takes clients in.
 *
 * @module
 */
import type { AsyncLocalStorage } from "node:async_hooks";
import { classifyAcceptError, Intake } from "./_accept.ts";
import { Backoff } from "./_backoff.ts";
import { ServerClosedError } from "./errors.ts";
import { type ConnectionInfo, type Observer, Observers, type RefusalReason } from "./observer.ts";
import { checkOptions, SERVER_DEFAULTS, type ServerOptions } from "./options.ts";

const ignore = (): void => {};

/** How long `shutdown` waits for another client in the kernel's queue, in milliseconds. */
const SWEEP_QUIET = 5;

/** What happened so far. Counters only grow. */
export interface ServerStats {
  /** When it was last bound, in milliseconds since the epoch; 0 if it never was. */
  listeningSince: number;
  /** Clients (or datagrams) that came out of the kernel. */
  accepted: number;
  /** Those turned away, by reason. */
  refused: Record<RefusalReason, number>;
  /** Attempts to accept that failed. */
  acceptFailures: number;
  /** Requests being handled now. */
  active: number;
  /** Requests whose handler returned. */
  succeeded: number;
  /** Requests whose handler threw, or that were cut off. */
  failed: number;
  /** Bytes that came in, of ended and live connections. */
  bytesIn: number;
  /** Bytes that went out. */
  bytesOut: number;
}

/** What `serveForever` can be told. */
export interface ServeForeverOptions {
  /** Closes the server, as `close` does, when it aborts. */
  signal?: AbortSignal;
}

/** What `handleRequest` can be told. */
export interface HandleRequestOptions {
  /** How long to wait for a client, in milliseconds; 0 or less takes one that is waiting already. */
  timeout?: number;
}

/** What `shutdown` can be told. */
export interface ShutdownOptions {
  /** The deadline: when it aborts, what is left is closed. */
  signal?: AbortSignal;
}

/** A listening socket as the loop sees it. */
export interface Listening<R> {
  /** Where it is bound. */
  readonly addr: Deno.Addr;
  /** Waits for the next request. One call at a time. */
  next(): Promise<R>;
  /** Frees it. */
  close(): void | Promise<void>;
  /** Lets it keep the process alive. */
  ref?(): void;
  /** Lets the process end in spite of it. */
  unref?(): void;
}

/** A `Deno.Listener` whose clients `next` makes into requests. */
export function listening<R>(listener: Deno.Listener, next: () => Promise<R>): Listening<R> {
  return {
    addr: listener.addr,
    next,
    close: () => listener.close(),
    ref: () => listener.ref(),
    unref: () => listener.unref(),
  };
}

type Phase = "new" | "listening" | "stopping" | "stopped" | "closed";

/**
 * The root of the class family, after Python's `socketserver.BaseServer`.
 *
 * Its life: `new` checks the options and touches no socket. `listen` binds. `serveForever` takes clients in until
 * `shutdown` (stop accepting, let handlers end) or `close` (now); `handleRequest` takes one. After `shutdown` it can
 * serve again, at the same address; after `close` it cannot. All of these may be called twice.
 *
 * Every step is a public method that a subclass may override, looked up when it is called. Their order for one request:
 * `getRequest`, `verifyRequest`, `processRequest`, `finishRequest` (which runs the handler), `shutdownRequest`,
 * `closeRequest`; `handleError` comes before `shutdownRequest` if something threw.
 *
 * @typeParam R the request: a `Connection`, or a `Datagram`
 */
export abstract class BaseServer<R> {
  /** The default of `handleRequest`'s time-out, in milliseconds. Counts from its next call. */
  timeout: number | undefined;
  /** The observers. */
  protected readonly observers: Observers;
  /** The number of handlers that may run at once. */
  protected readonly concurrency: number;
  readonly #pollInterval: number;
  readonly #backoff = new Backoff();
  readonly #stats = newStats();
  #phase: Phase = "new";
  #listening: Listening<R> | undefined;
  #binding: Promise<void> | undefined;
  #intake: Intake<R> | undefined;
  #loop: Promise<void> | undefined;
  #loopError: { error: unknown } | undefined;
  #paused = false;
  #pastDeadline = false;
  #referenced = true;
  #changed: PromiseWithResolvers<void> | undefined;
  #finished: PromiseWithResolvers<void> = Promise.withResolvers();
  #stopping: Promise<void> | undefined;
  readonly #running = new Set<Promise<void>>();
  /** Marks what runs inside the one handler of a serial server; made for those alone, as loading it takes a while. */
  readonly #inHandler: AsyncLocalStorage<true> | undefined;

  /**
   * Checks the options; binds nothing.
   *
   * @throws {RangeError} naming an option that is out of range
   */
  constructor(options: ServerOptions = {}) {
    checkOptions(options);
    const { concurrency, pollInterval } = { ...SERVER_DEFAULTS, ...defined(options) };
    this.concurrency = concurrency;
    if (concurrency === 1) {
      this.#inHandler = new (process.getBuiltinModule("node:async_hooks").AsyncLocalStorage)();
    }
    this.#pollInterval = pollInterval;
    this.timeout = options.timeout;
    this.observers = new Observers(options.observers);
  }

  // --- What a kind of server is -----------------------------------------------------------------------------------

  /** Where it listens: what was asked for before `listen`, the real address (a real port) from then on. */
  abstract get addr(): Deno.Addr;

  /** The live connections by id; a datagram server has none. */
  abstract get connections(): ReadonlyMap<number, ConnectionInfo>;

  /** Opens the socket. The base of {@linkcode BaseServer.serverBind}. */
  protected abstract open(): Listening<R> | Promise<Listening<R>>;

  /** Whether one more request may be taken out of the kernel now. */
  protected abstract get hasRoom(): boolean;

  /** Runs one request from admission to its end. Rejects only with what is to leave `serveForever`. */
  protected abstract dispatch(request: R): Promise<void>;

  /** Lets what is alive know that the server drains. */
  protected abstract drainAll(): void;

  /** Closes what is alive. */
  protected abstract closeAll(reason: "stopped" | "shutdown"): void;

  // --- Life ---------------------------------------------------------------------------------------------------------

  /**
   * Binds the address. `serveForever` and `handleRequest` do it if nobody did.
   *
   * @returns this server
   * @throws {ServerClosedError} after `close`
   * @throws {Deno.errors.AddrInUse} and whatever else the system says, with the address in the message; nothing stays
   * bound then
   */
  async listen(): Promise<this> {
    if (this.#phase === "closed") throw new ServerClosedError("Cannot listen: the server is closed");
    if (this.#phase === "stopping") await this.#stopping;
    this.#binding ??= this.#bind();
    try {
      await this.#binding;
    } finally {
      this.#binding = undefined;
    }
    return this;
  }

  async #bind(): Promise<void> {
    if (this.#listening) return;
    try {
      await this.serverBind();
      await this.serverActivate();
    } catch (error) {
      await this.#closeListening();
      throw error;
    }
    if (this.#phase as Phase === "closed") { // while it was binding
      await this.#closeListening();
      throw new ServerClosedError("Cannot listen: the server was closed");
    }
    if (this.#phase === "stopped") this.#finished = Promise.withResolvers();
    this.#phase = "listening";
    this.#stats.listeningSince = Date.now();
    this.observers.tell("listening", { addr: this.addr });
  }

  /**
   * Takes clients in until the server is shut down or closed; listens first if nobody did.
   *
   * A client's fault, a handler's failure and a lack of descriptors do not end it. It resolves when the last handler has
   * ended after `shutdown`, at once after `close`, and rejects with what `serviceActions` throws, or, where `concurrency`
   * is 1, `verifyRequest` or `handleError`; the server stays bound then.
   *
   * @throws {ServerClosedError} if the server is closed
   * @throws {TypeError} if it is being served already
   */
  async serveForever({ signal }: ServeForeverOptions = {}): Promise<void> {
    if (this.#loop) throw new TypeError("Cannot serve: this server is being served already");
    const close = () => void this.close();
    signal?.addEventListener("abort", close, { once: true });
    const loop = this.#loop = this.#serve(signal);
    try {
      await loop;
    } finally {
      this.#loop = undefined;
      signal?.removeEventListener("abort", close);
    }
    await this.#stopping;
  }

  async #serve(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) await this.close();
    if (signal?.aborted) return;
    await this.listen();
    const service = this.#startService();
    this.#loopError = undefined;
    try {
      while (this.#phase === "listening" && !this.#loopError) {
        if (this.#paused || !this.hasRoom) await this.#change();
        else if (await this.#intake!.ready()) await this.#next();
      }
      if (this.#phase as Phase === "stopping") await this.#sweep();
    } finally {
      clearInterval(service);
    }
    const failed = this.#loopError as { error: unknown } | undefined;
    if (failed) throw failed.error;
  }

  /** Takes what the kernel has queued already: closing the listener now would reset those clients. */
  async #sweep(): Promise<void> {
    while (this.#phase === "stopping" && !this.#pastDeadline) {
      if (!this.hasRoom) await this.#change();
      else if (await this.#intake!.ready(SWEEP_QUIET)) await this.#next();
      else return;
    }
  }

  /**
   * Waits for one client and dispatches it. With `concurrency: 1` it is handled when this resolves.
   *
   * A client that comes after the time-out is served by the next call: none is lost.
   *
   * @returns whether a request was dispatched; `handleTimeout` was called if the time ran out
   * @throws {ServerClosedError} if the server is closed
   */
  async handleRequest({ timeout = this.timeout }: HandleRequestOptions = {}): Promise<boolean> {
    if (this.#phase === "closed") {
      throw new ServerClosedError("Cannot handle a request: the server is closed");
    }
    if (this.#loop) throw new TypeError("Cannot handle a request: this server is being served already");
    await this.listen();
    const until = timeout === undefined ? Infinity : performance.now() + timeout;
    const left = () => until === Infinity ? undefined : Math.max(0, until - performance.now());
    while (!this.hasRoom && this.#phase === "listening") {
      if (!(await this.#change(left()))) return await this.#timedOut();
    }
    if (await this.#intake!.ready(left())) return await this.#next();
    return this.#phase === "listening" ? await this.#timedOut() : false;
  }

  async #timedOut(): Promise<false> {
    await this.handleTimeout();
    return false;
  }

  /** One request, from the kernel to its dispatch (serial: to its end); `false` if accepting failed. */
  async #next(): Promise<boolean> {
    let request: R;
    try {
      request = await this.getRequest();
    } catch (error) {
      await this.#acceptFailed(error);
      return false;
    }
    this.#backoff.reset();
    this.#stats.accepted++;
    const done = this.#inHandler
      ? this.#inHandler.run(true, () => this.dispatch(request))
      : this.dispatch(request);
    this.#running.add(done);
    const settled = () => this.#running.delete(done);
    if (this.concurrency === 1) await done.finally(settled);
    else done.then(settled, settled);
    return true;
  }

  async #acceptFailed(error: unknown): Promise<void> {
    const kind = classifyAcceptError(error);
    if (kind === "closed") return;
    this.#stats.acceptFailures++;
    const first = !this.#backoff.failing;
    const delay = kind === "peer" ? 0 : this.#backoff.next();
    this.observers.acceptFailed({ error, kind, delay }, first);
    if (delay > 0) await this.#change(delay, () => this.#phase === "listening");
  }

  /**
   * Stops accepting, and waits for the handlers.
   *
   * In this order: clients that the kernel has queued are taken in, the listener is closed, the `signal` of every
   * connection aborts, iteration over chunks and lines ends where it finds nothing more, handlers end. When
   * `options.signal` aborts, what is left is closed. Without one it waits as long as handlers take. The next
   * `serveForever` binds the same address again. Called twice, both wait for the same end; the second may bring the
   * deadline.
   *
   * @throws {TypeError} inside a handler of a server with `concurrency: 1`, which would wait for itself
   */
  async shutdown({ signal }: ShutdownOptions = {}): Promise<void> {
    if (this.#inHandler?.getStore()) {
      throw new TypeError(
        "Cannot await shutdown() inside a handler with concurrency 1: it would wait for itself",
      );
    }
    await this.#binding?.catch(ignore); // listen's caller gets it
    if (this.#phase === "new" || this.#phase === "stopped") return;
    if (this.#phase === "closed") return await this.finished;
    const cut = () => {
      this.#pastDeadline = true;
      this.#intake?.interrupt();
      this.#wake();
      this.closeAll("shutdown");
    };
    signal?.addEventListener("abort", cut, { once: true });
    this.#stopping ??= this.#stop();
    if (signal?.aborted) cut();
    try {
      await this.#stopping;
    } finally {
      signal?.removeEventListener("abort", cut);
    }
  }

  async #stop(): Promise<void> {
    this.#phase = "stopping";
    this.#paused = this.#pastDeadline = false;
    this.drainAll();
    this.observers.tell("draining", { addr: this.addr, active: this.#running.size });
    this.#intake?.interrupt();
    this.#wake();
    await this.#loop?.catch(ignore); // serveForever's caller gets what ended the loop
    await this.#beforeClose();
    await this.#closeListening();
    await this.#settled();
    this.#end("stopped");
  }

  /** Datagram handlers reply over the listening socket: it must outlive them. Stream servers close it first. */
  async #beforeClose(): Promise<void> {
    if (this.closesLast) await this.#settled();
  }

  /** Whether handlers need the listening socket. */
  protected get closesLast(): boolean {
    return false;
  }

  /**
   * Closes the listener and every connection now. Handlers find their connections closed. The server cannot be used
   * again. Ends `serveForever` normally.
   */
  async close(): Promise<void> {
    if (this.#phase === "closed") return await this.finished;
    const before = this.#phase;
    this.#phase = "closed";
    this.#intake?.interrupt();
    this.#wake();
    await this.#binding?.catch(ignore); // listen's caller gets it
    await this.#closeListening();
    this.closeAll("stopped");
    if (!this.#inHandler?.getStore()) await this.#settled();
    if (before === "new" || before === "stopped") this.#finished.resolve();
    else this.#end("closed");
  }

  #end(phase: "stopped" | "closed"): void {
    if (this.#phase !== "closed" || phase === "closed") this.#phase = phase;
    this.#stopping = undefined;
    this.#finished.resolve();
    this.observers.tell("finished", { addr: this.addr });
  }

  /** Resolves when all is over after `shutdown` or `close`: no listener, no connection, no handler that counts. */
  get finished(): Promise<void> {
    return this.#finished.promise;
  }

  /** Closes it, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Stops taking clients in; the kernel queues them (one that was being accepted waits with it). */
  pause(): void {
    this.#paused = true;
    this.#intake?.interrupt();
  }

  /** Takes clients in again. */
  resume(): void {
    this.#paused = false;
    this.#wake();
  }

  /** Lets the listener keep the process alive (the default). */
  ref(): void {
    this.#referenced = true;
    this.#listening?.ref?.();
  }

  /** Lets the process end although the server listens. */
  unref(): void {
    this.#referenced = false;
    this.#listening?.unref?.();
  }

  /** Adds an observer; the function that comes back takes it out. */
  observe(observer: Observer): () => void {
    return this.observers.add(observer);
  }

  /** A snapshot of the counters. */
  get stats(): ServerStats {
    const stats = { ...this.#stats, refused: { ...this.#stats.refused } };
    for (const connection of this.connections.values()) {
      stats.bytesIn += connection.bytesIn;
      stats.bytesOut += connection.bytesOut;
    }
    return stats;
  }

  // --- Hooks, in the order in which they are called -----------------------------------------------------------------

  /** Opens and binds the socket. Called by `listen`. */
  async serverBind(): Promise<void> {
    const listening = await this.open();
    this.#listening = listening;
    this.#intake = new Intake(() => listening.next());
    if (!this.#referenced) listening.unref?.();
  }

  /** Called by `listen` after `serverBind`. Deno binds and listens in one call, so there is nothing left to do here. */
  serverActivate(): void | Promise<void> {}

  /** Takes the next request out of the kernel. What it throws is a failed accept: told, survived. */
  getRequest(): R | Promise<R> {
    return this.#intake!.take();
  }

  /** Whether this client is served. A falsy answer ends it without a handler and without an error. */
  verifyRequest(_request: R): boolean | Promise<boolean> {
    return true;
  }

  /** Runs a request. The connection is closed when the promise settles: an override owns the time, not the closing. */
  async processRequest(request: R): Promise<void> {
    await this.finishRequest(request);
  }

  /** Runs the handler. */
  abstract finishRequest(request: R): unknown;

  /** Ends a request that was handled or turned away. Called once for each. */
  async shutdownRequest(request: R): Promise<void> {
    await this.closeRequest(request);
  }

  /** Frees what a request holds. */
  abstract closeRequest(request: R): void | Promise<void>;

  /** Called with what a handler threw. The base tells the observers; without one, `console.error`. */
  abstract handleError(error: unknown, request: R): void | Promise<void>;

  /** Called when `handleRequest` ran out of time. */
  handleTimeout(): void | Promise<void> {}

  /** Called every `pollInterval` milliseconds while the server is served. What it throws ends `serveForever`. */
  serviceActions(): void | Promise<void> {}

  // --- For subclasses -----------------------------------------------------------------------------------------------

  /** The live counters. */
  protected get counters(): ServerStats {
    return this.#stats;
  }

  /** Whether the server takes no new work. */
  protected get draining(): boolean {
    return this.#phase === "stopping";
  }

  /** To be called when there may be room again. */
  protected roomChanged(): void {
    this.#wake();
  }

  /** Counts and tells a refusal. */
  protected refused(remoteAddr: Deno.Addr, reason: RefusalReason): void {
    this.#stats.refused[reason]++;
    this.observers.tell("refused", { remoteAddr, reason });
  }

  // --- The loop's condition variable ----------------------------------------------------------------------------------

  /** Waits until something that the loop depends on has changed; `false` if `ms` passed first. */
  async #change(ms?: number, whileTrue: () => boolean = () => false): Promise<boolean> {
    const timeout = Symbol();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = ms === undefined
      ? undefined
      : new Promise<symbol>((resolve) => timer = setTimeout(() => resolve(timeout), ms));
    try {
      do {
        this.#changed ??= Promise.withResolvers();
        const first = await (late ? Promise.race([this.#changed.promise, late]) : this.#changed.promise);
        if (first === timeout) return false;
      } while (whileTrue());
      return true;
    } finally {
      clearTimeout(timer);
    }
  }

  #wake(): void {
    this.#changed?.resolve();
    this.#changed = undefined;
  }

  #startService(): ReturnType<typeof setInterval> | undefined {
    if (this.serviceActions === BaseServer.prototype.serviceActions) return undefined;
    return setInterval(async () => {
      try {
        await this.serviceActions();
      } catch (error) {
        this.#loopError = { error };
        this.#intake?.interrupt();
        this.#wake();
      }
    }, this.#pollInterval);
  }

  /** Closes the socket, and a client that was accepted and that nobody took. */
  async #closeListening(): Promise<void> {
    const [listening, intake] = [this.#listening, this.#intake];
    this.#listening = this.#intake = undefined;
    await listening?.close();
    if (intake) await this.#closeUntaken(intake);
  }

  async #closeUntaken(intake: Intake<R>): Promise<void> {
    if (!(await intake.settled())) return;
    try {
      await this.closeRequest(intake.take());
    } catch {
      // the accept had failed: by the close itself, as a rule
    }
  }

  /** Waits until every dispatched request has ended. */
  async #settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }
}

function newStats(): ServerStats {
  return {
    listeningSince: 0,
    accepted: 0,
    refused: { denied: 0, full: 0, "peer-limit": 0, rate: 0, "peer-rate": 0, unverified: 0 },
    acceptFailures: 0,
    active: 0,
    succeeded: 0,
    failed: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
}

/** The options that were given: `undefined` means the default, also where it was written out. */
function defined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
