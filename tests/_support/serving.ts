/**
 * A server that is being served for the length of a test.
 *
 * @module
 */
import type { AnyServer } from "../../mod.ts";
import { within } from "./deadline.ts";

/** A server and its loop. */
export interface Serving<S extends AnyServer> extends AsyncDisposable {
  /** The server. */
  readonly server: S;
  /** What its `serveForever` promised. */
  readonly loop: Promise<void>;
}

/** Binds a server and serves it until the end of an `await using` block, which closes it. */
export async function serving<S extends AnyServer>(server: S): Promise<Serving<S>> {
  await server.listen();
  const loop = server.serveForever();
  return {
    server,
    loop,
    [Symbol.asyncDispose]: async () => {
      await within(server.close(), "the server's close");
      await within(loop, "the end of serveForever");
    },
  };
}
