/**
 * A server whose kernel is a script.
 *
 * @module
 */
import {
  Connection,
  type Listening,
  type StreamHandlerLike,
  TcpServer,
  type TcpServerOptions,
} from "../../mod.ts";
import { MemoryTransport } from "./memory_transport.ts";

/** What accepting brings next: a client, or a failure. */
export type Step = "client" | Error;

/** An error as Deno throws it for an errno without a class of its own. */
export function systemError(code: string, ErrorClass: new (message: string) => Error = Error): Error {
  return Object.assign(new ErrorClass(`${code} (os error)`), { code });
}

/** Accepts what its script says, then waits, as a listener to which nobody comes. */
export class ScriptedServer extends TcpServer {
  /** How often the loop has asked for a client. */
  asked = 0;
  readonly #script: Iterator<Step>;

  /** A server that accepts according to `script`, which may have no end. */
  constructor(script: Iterable<Step>, handler: StreamHandlerLike, options?: TcpServerOptions) {
    super(handler, options);
    this.#script = script[Symbol.iterator]();
  }

  protected override open(): Listening<Connection> {
    const closed = Promise.withResolvers<never>();
    closed.promise.catch(() => {}); // nobody may be waiting
    return {
      addr: this.addr,
      next: async () => {
        this.asked++;
        const { value: step, done } = this.#script.next();
        if (done) return await closed.promise;
        await new Promise((resolve) => setTimeout(resolve, 0)); // no accept answers in the same turn
        if (step instanceof Error) throw step;
        return new Connection(new MemoryTransport().end(), this.nextConnection());
      },
      close: () => closed.reject(new Deno.errors.BadResource("Listener has been closed")),
    };
  }
}
