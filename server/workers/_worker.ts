/**
 * What runs in a worker, thread or process: one server, as its parent has ordered it.
 *
 * @module
 */
import { configureHandler, type HandlerModule, loadHandler } from "../load.ts";
import type { Assignment, HandlerReference, Link, Order, Word } from "./_messages.ts";
import { packError } from "./_remote_error.ts";
import { PacketWorker } from "./_packet_worker.ts";
import { StreamWorker } from "./_stream_worker.ts";

/** Loads a handler module by what it is called. */
export type Load = (handler: HandlerReference) => Promise<HandlerModule>;

/** Loads it from where it is. */
export const loadByUrl: Load = ({ specifier, url = specifier }) => loadHandler(url);

/**
 * Does what the server says, until that says `leave` or an error is caught by nobody; resolves to the code to exit with when all
 * that is to be said is said.
 */
export function work(link: Link<Word, Order>, load: Load = loadByUrl): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  let worker: StreamWorker | PacketWorker | undefined;
  link.onMessage = async (order, socket) => {
    if (order.do === "begin") {
      worker = await begin(order.assignment, link, load);
      whenUncaught((error) => {
        link.send({ say: "uncaught", error: packError(error) });
        resolve(1);
      });
    } else if (order.do === "leave") {
      await worker?.end();
      resolve(0);
    } else worker?.heard(order, socket);
  };
  return promise;
}

/**
 * Deno would print the error and end the worker without a word to the server. What the handler's module listens to itself, and
 * prevents, is its own: it was first.
 */
function whenUncaught(tell: (error: unknown) => void): void {
  const caught = (event: Event, error: unknown): void => {
    if (event.defaultPrevented) return;
    event.preventDefault();
    tell(error);
  };
  globalThis.addEventListener("error", (event) => caught(event, event.error));
  globalThis.addEventListener("unhandledrejection", (event) => caught(event, event.reason));
}

async function begin(
  assignment: Assignment,
  link: Link<Word, Order>,
  load: Load,
): Promise<StreamWorker | PacketWorker | undefined> {
  try {
    const { handler, kind } = assignment;
    const module = configureHandler(await load(handler), handler.values ?? {});
    if (!module[kind]) throw new TypeError(`${handler.specifier} has no handler for ${NOUNS[kind]}`);
    const say = (word: Word): void => link.send(word);
    const worker = kind === "stream"
      ? new StreamWorker(assignment, module, say)
      : new PacketWorker(assignment, module, say);
    const addr = await worker.begin();
    link.send({ say: "ready", addr });
    return worker;
  } catch (error) {
    link.send({ say: "unable", error: packError(error) });
  }
}

const NOUNS = { stream: "connections", datagram: "datagrams" };
