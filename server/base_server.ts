/**
 * What all servers have in common: their life, their hooks, and the loop that takes clients in.
 *
 * @module
 */
import type { AsyncLocalStorage } from "node:async_hooks";
import { classifyAcceptError, Intake } from "./_accept.ts";
import { Backoff } from "./_backoff.ts";
import { isLocalClose, ServerClosedError } from "./errors.ts";
import { type ConnectionInfo, type Observer, Observers, type RefusalReason } from "./observer.ts";
import { Condition } from "./_condition.ts";
import { checkOptions, LONGEST_TIMER, SERVER_DEFAULTS, type ServerOptions } from "./options.ts";
import { ServerReadiness, type SocketReadiness } from "./_readiness.ts";
import { setUpSignals } from "./_signal_setup.ts";
import { newStats, type ServerStats } from "./stats.ts";

const ignore = (): void => {};

/** How long `shutdown` waits for another client in the kernel's queue, in milliseconds. */
const SWEEP_QUIET = 5;
/**
 * How long `shutdown` goes on accepting, waits for room and for serial handlers not counted, in milliseconds. The queue
 * is empty long before; who comes later, on a busy server one after the other, is not to hold up its end. Where there is
 * no room these waits are all there is, and the number of clients is what ends it: `queueLength`.
 */
const SWEEP_LONGEST = 1_000;

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

/** What the one handler of a serial server carries along. */
interface HandlerMark {
  /** Whether it has not ended. */
  running: boolean;
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
 *
 * @example
 * ```ts
 * import { connect, type Connection, TcpServer } from "@switchboard/kit";
 * import { assertEquals } from "@std/assert";
 *
 * class Choosy extends TcpServer {
 *   override verifyRequest(conn: Connection): boolean {
 *     return conn.id !== 1; // the first one has to come again
 *   }
 * }
 *
 * await using server = await new Choosy((conn) => conn.sendAll("hello\n"), { port: 0 }).listen();
 * const serving = server.serveForever();
 * using first = await connect(server.addr);
 * assertEquals(await first.readLine(), null);
 * using second = await connect(server.addr);
 * assertEquals(await second.readLine(), "hello");
 * await server.close();
 * await serving;
 * ```
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
  #readiness: ServerReadiness<R> | undefined;
  #paused = false;
  #pastDeadline = false;
  /** Whether it stops without a word to those who are served. */
  #retiring = false;
  #referenced = true;
  /** Notified when anything changes that the loop depends on: its phase, a place, a pause. */
  readonly #condition = new Condition();
  #finished: PromiseWithResolvers<void> = Promise.withResolvers();
  #stopping: Promise<void> | undefined;
  /** Resolves when a server that is being shut down listens no more. */
  #deaf: PromiseWithResolvers<void> = Promise.withResolvers();
  #running = 0;
  /** Marks what runs inside the one handler of a serial server; made for those alone, as loading it takes a while. */
  readonly #inHandler: AsyncLocalStorage<HandlerMark> | undefined;

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
  protected abstract dispatch(request: R): void | Promise<void>;

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
    setUpSignals();
    try {
      await this.serverBind();
      await this.serverActivate();
    } catch (error) {
      await this.#closeListening();
      await this.release();
      if (this.#phase as Phase !== "closed") throw error;
    }
    if (this.#phase as Phase === "closed") { // while it was binding
      await this.#closeListening();
      await this.release();
      throw new ServerClosedError("Cannot listen: the server was closed");
    }
    if (this.#phase === "stopped") this.#finished = Promise.withResolvers();
    this.#phase = "listening";
    this.#stats.listeningSince = Date.now();
    this.observers.tell("listening", { addr: this.addr });
    this.#readiness?.changed(); // a poller has seen the end of the listening before
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
    await (this.blocksOnClose ? this.#stopping : this.#stopping && this.#deaf.promise);
  }

  async #serve(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) await this.close();
    if (signal?.aborted) return;
    await this.listen();
    const service = this.#startService();
    this.#loopError = undefined;
    try {
      while (this.#phase === "listening" && !this.#loopError && this.#intake) {
        if (this.#paused || !this.hasRoom) await this.#condition.changed();
        else if (await this.#intake.ready()) await this.#next();
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
    let accepting = 0;
    let left = this.queueLength;
    while (this.#phase === "stopping" && !this.#pastDeadline && this.#intake && accepting < SWEEP_LONGEST) {
      if (left <= 0) return;
      if (!this.hasRoom) await this.#condition.changed();
      else {
        const since = performance.now();
        if (!(await this.#intake.ready(SWEEP_QUIET))) return;
        accepting += performance.now() - since;
        left--;
        await this.#next();
      }
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
    const limited = timeout !== undefined && timeout <= LONGEST_TIMER;
    const until = limited ? performance.now() + timeout : Infinity;
    const left = () => until === Infinity ? undefined : Math.max(0, until - performance.now());
    while (!this.hasRoom && this.#phase === "listening") {
      if (!(await this.#condition.changed(left()))) return await this.#timedOut();
    }
    if (this.#phase !== "listening") return false;
    if (await this.#intake?.ready(left())) return await this.#next();
    return this.#phase === "listening" ? await this.#timedOut() : false;
  }

  async #timedOut(): Promise<false> {
    await this.handleTimeout();
    return false;
  }

  /** One request, from the kernel to its dispatch (serial: to its end); `false` if accepting failed. */
  async #next(): Promise<boolean> {
    if (!this.#intake) return false; // closed in the turn in which the client came: it is closed with the listener
    let request: R;
    try {
      const got = this.getRequest();
      request = got instanceof Promise ? await got : got;
      if (got !== request && this.#isOver) { // while a getRequest of somebody's own was waiting
        await this.closeRequest(request);
        return false;
      }
    } catch (error) {
      if (!this.#isOver) await this.#acceptFailed(error);
      return false;
    }
    this.#backoff.reset();
    this.#stats.accepted++;
    if (this.#inHandler) await this.#dispatchSerially(request, this.#inHandler);
    else this.#dispatch(request);
    return true;
  }

  /** Whether nobody is to be served any more. */
  get #isOver(): boolean {
    return this.#phase === "closed" || this.#pastDeadline;
  }

  #dispatch(request: R): void {
    this.#running++;
    this.dispatch(request)?.then(this.ended, this.ended);
  }

  /** To be called when a request is over, by a `dispatch` that gives no promise for it: one for each would cost more. */
  protected readonly ended = (): void => {
    this.#running--;
    this.#condition.notify();
  };

  /** The next request is taken when this one is over; what it failed with leaves the loop. */
  async #dispatchSerially(request: R, inHandler: AsyncLocalStorage<HandlerMark>): Promise<void> {
    const mark: HandlerMark = { running: true };
    inHandler.run(mark, () => this.#dispatch(request));
    await this.#settled();
    mark.running = false; // what it has left behind, a timer say, runs outside
    const failed = this.#loopError;
    this.#loopError = undefined;
    if (failed) throw failed.error;
  }

  /** Lets `error` leave `serveForever` (or `handleRequest`), from inside a request of a serial server. */
  protected leaveLoop(error: unknown): void {
    this.#loopError = { error };
  }

  /** Lets `error` leave `serveForever` at once, whatever the loop waits for. */
  protected abandon(error: unknown): void {
    this.#loopError = { error };
    this.#intake?.interrupt();
    this.#condition.notify();
  }

  async #acceptFailed(error: unknown): Promise<void> {
    const kind = classifyAcceptError(error);
    // By a close of ours, or behind our back: then the loop ends, and the next `listen` binds anew.
    if (kind === "closed") return await this.#closeListening();
    this.#stats.acceptFailures++;
    const first = !this.#backoff.failing;
    const delay = kind === "peer" ? 0 : this.#backoff.next();
    this.observers.acceptFailed({ error, kind, delay }, first);
    const phase = this.#phase;
    const until = performance.now() + delay;
    for (
      let left = delay;
      left > 0 && this.#phase === phase && !this.#pastDeadline;
      left = until - performance.now()
    ) await this.#condition.changed(left);
  }

  /**
   * Stops accepting, and waits for the handlers.
   *
   * In this order: the `signal` of every connection aborts and iteration over chunks and lines ends where it finds nothing
   * more, which makes room; clients that the kernel has queued are taken in; the listener is closed; handlers end. When
   * `options.signal` aborts, what is left is closed. Without one it waits as long as handlers take. The next
   * `serveForever` binds the same address again. Called twice, both wait for the same end; the second may bring the
   * deadline.
   *
   * @throws {TypeError} inside a handler of a server with `concurrency: 1`, which would wait for itself
   */
  async shutdown({ signal }: ShutdownOptions = {}): Promise<void> {
    if (this.#inHandler?.getStore()?.running) {
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
      this.#condition.notify();
      this.closeAll("shutdown");
    };
    signal?.addEventListener("abort", cut, { once: true });
    if (this.#retiring) this.#drain();
    this.#stopping ??= this.#stop();
    if (signal?.aborted) cut();
    const forget = () => signal?.removeEventListener("abort", cut);
    if (this.blocksOnClose) await this.#stopping.finally(forget);
    else {
      this.#stopping.then(forget, forget);
      await this.#deaf.promise;
    }
  }

  async #stop(): Promise<void> {
    this.#phase = "stopping";
    this.#deaf = Promise.withResolvers();
    this.#paused = this.#pastDeadline = false;
    if (!this.#retiring) this.#drain();
    this.#intake?.interrupt();
    this.#condition.notify();
    await this.#loop?.catch(ignore); // serveForever's caller gets what ended the loop
    await this.#beforeClose();
    await this.#closeListening();
    this.#deaf.resolve();
    await this.#settled();
    await this.release();
    this.#end("stopped");
  }

  #drain(): void {
    this.#retiring = false;
    this.drainAll();
    this.observers.tell("draining", { addr: this.addr, active: this.#stats.active });
  }

  /** What `shutdown` does, without asking anybody to end: who is served is served on. */
  protected async retire(): Promise<void> {
    if (this.#phase !== "listening") return;
    this.#retiring = true;
    await (this.#stopping = this.#stop());
  }

  /** Datagram handlers reply over the listening socket: it must outlive them. Stream servers close it first. */
  async #beforeClose(): Promise<void> {
    if (this.closesLast) await this.#settled();
  }

  /** How many requests the kernel may have queued when the server is shut down; it takes no more then. */
  protected abstract get queueLength(): number;

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
    this.#condition.notify();
    if (this.#binding) await this.release(); // what takes its time to start need not
    await this.#binding?.catch(ignore); // listen's caller gets it
    await this.#closeListening();
    this.closeAll("stopped");
    if (!this.#inHandler?.getStore()?.running) await this.#settled();
    await this.release();
    if (before === "new" || before === "stopped") this.#finished.resolve();
    else this.#end("closed");
  }

  #end(phase: "stopped" | "closed"): void {
    this.#stopping = undefined;
    this.#retiring = false;
    if (this.#phase === "closed" && phase === "stopped") return; // close came meanwhile, and will say so itself
    this.#phase = phase;
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
    this.#condition.notify();
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

  /**
   * For a `Poller`: a client that waits and for which there is room is ready, and `handleRequest` then serves it at once;
   * a server that listens no more is ready with its end. Python's `fileno`. Somebody either polls a server or serves it.
   *
   * @returns the same object at every call
   * @throws {TypeError} if it has never listened
   */
  readiness(): SocketReadiness<R> {
    if (this.#phase === "new") throw new TypeError("Cannot watch the server: it does not listen yet");
    const [hasRoom, intake] = [() => this.hasRoom, () => this.#intake];
    return this.#readiness ??= new ServerReadiness({ hasRoom, intake });
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
  processRequest(request: R): void | Promise<void> {
    return this.finishRequest(request) as void | Promise<void>;
  }

  /** Runs the handler. */
  abstract finishRequest(request: R): unknown;

  /** Ends a request that was handled or turned away. Called once for each. */
  shutdownRequest(request: R): void | Promise<void> {
    return this.closeRequest(request);
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
    return this.#phase === "stopping" && !this.#retiring;
  }

  /** Whether the loop waits for a request, and would dispatch one that comes now. */
  protected get waiting(): boolean {
    return this.#loop !== undefined && this.#phase === "listening" && !this.#paused && !this.#loopError;
  }

  /** Whether there is something that the end of the server has to wait for; `roomChanged` says that it may have changed. */
  protected get busy(): boolean {
    return this.#running > 0;
  }

  /** Whether `shutdown` waits for handlers that have not ended; if not, `finished` does. */
  protected get blocksOnClose(): boolean {
    return true;
  }

  /** Frees what outlives the last request. Called when listener and handlers are gone, and when binding failed. */
  protected release(): void | Promise<void> {}

  /** To be called when there may be room again. */
  protected roomChanged(): void {
    this.#condition.notify();
    this.#readiness?.changed();
  }

  /** Counts and tells a refusal. */
  protected refused(remoteAddr: Deno.Addr, reason: RefusalReason, error?: unknown): void {
    this.#stats.refused[reason]++;
    this.observers.tell("refused", { remoteAddr, reason, ...error !== undefined && { error } });
  }

  // --- The rest is nobody's business ---------------------------------------------------------------------------

  #startService(): ReturnType<typeof setInterval> | undefined {
    if (this.serviceActions === BaseServer.prototype.serviceActions) return undefined;
    const timer = setInterval(async () => {
      try {
        await this.serviceActions();
      } catch (error) {
        this.abandon(error);
      }
    }, this.#pollInterval);
    Deno.unrefTimer(timer); // keeping the process alive is the listener's part
    return timer;
  }

  /** Closes the socket, and a client that was accepted and that nobody took. */
  async #closeListening(): Promise<void> {
    const [listening, intake] = [this.#listening, this.#intake];
    this.#listening = this.#intake = undefined;
    this.#readiness?.changed();
    try {
      await listening?.close();
    } catch (error) {
      if (!isLocalClose(error)) this.observers.error({ error, phase: "close", addr: this.addr });
    }
    if (intake) await this.#closeUntaken(intake);
  }

  async #closeUntaken(intake: Intake<R>): Promise<void> {
    if (!(await intake.settled())) return;
    try {
      const request = intake.take();
      // It came in the moment in which the listener was closed, and nothing is wrong with it.
      if (this.#phase === "stopping" && !this.#pastDeadline && !this.closesLast) {
        return this.#dispatch(request);
      }
      await this.closeRequest(request);
    } catch {
      // the accept had failed: by the close itself, as a rule
    }
  }

  /** Waits until every dispatched request has ended. */
  async #settled(): Promise<void> {
    while (this.busy) await this.#condition.changed();
  }
}

/** The options that were given: `undefined` means the default, also where it was written out. */
function defined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
