/**
 * A worker on a thread of this process.
 *
 * @module
 */
import type { MessagePort, Worker } from "node:worker_threads";
import { startNodeThread } from "./_entry.ts";
import type { Host } from "./_host.ts";
import type { Order, Word } from "./_messages.ts";

/** How long a thread that was told to end may take, in milliseconds, where nothing holds it. */
const LONGEST_END = 100;

let count = 0;

/** Starts a thread. Its end is told however it comes about: also by `Deno.exit` there, of which a Web `Worker` tells nothing. */
export function startThreadHost(): Host {
  const name = `thread ${++count}`;
  const worker = startNodeThread("server", crypto.randomUUID());
  const life = new Life(worker);
  const { promise: gone, resolve } = Promise.withResolvers<string>();
  let uncaught: Error | undefined;
  const host = {
    name,
    gone,
    onMessage: (_word: Word): void => {},
    send: (order: Order) => worker.postMessage(order),
    over: false as boolean,
    kill: () => void worker.terminate(),
    get lingers() {
      return !life.over;
    },
    ref: () => (worker.ref(), life.ref()),
    unref: () => (worker.unref(), life.unref()),
  } satisfies Host;
  worker.on("message", (word: Word) => host.onMessage(word));
  worker.on("error", (error: Error) => uncaught ??= error); // and "exit" follows
  worker.on("exit", async (code: number) => {
    host.over = true;
    await life.end();
    resolve(uncaught ? whatNobodyCaught(uncaught) : `it ended with code ${code}`);
  });
  return host;
}

/** Knows when a thread has ended: "exit" is told when it has been told to, which it may not notice for a while. */
class Life {
  readonly #port: MessagePort;
  readonly #ended = Promise.withResolvers<void>();
  /** Whether it has. */
  over = false;

  constructor(worker: Worker) {
    const { port1, port2 } = new (process.getBuiltinModule("node:worker_threads").MessageChannel)();
    this.#port = port1;
    port1.once("close", () => {
      port1.close(); // this end, too
      this.over = true;
      this.#ended.resolve();
    });
    port1.start(); // to be told
    worker.postMessage({ lifeline: port2 }, [port2]);
  }

  ref(): void {
    this.#port.ref();
  }

  unref(): void {
    this.#port.unref();
  }

  /** Waits for it, but not for long: it may be in the kernel. */
  async end(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, LONGEST_END);
    await Promise.race([this.#ended.promise, late.promise]);
    clearTimeout(timer);
    this.unref();
  }
}

function whatNobodyCaught({ name, message }: Error): string {
  return `nobody caught ${name}: ${message}`;
}
