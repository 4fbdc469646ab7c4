/**
 * Clients that know which worker serves them.
 *
 * @module
 */
import { connect, type Connection } from "../../mod.ts";
import { within } from "./deadline.ts";

/** Who asks for nothing is not waited for longer than this, in milliseconds. */
const PATIENCE = 5_000;

/** A client, and the worker that serves it: `PROCESS/THREAD`. */
export interface Served {
  client: Connection;
  worker: string;
}

/** A client whose worker has said who it is. */
export async function ask(addr: Deno.Addr): Promise<Served> {
  const client = await connect(addr, { readTimeout: PATIENCE });
  try {
    await client.sendAll("who\n");
    const worker = await client.readLine();
    if (worker === null) throw new Deno.errors.ConnectionReset("the worker ended before it said who it is");
    return { client, worker };
  } catch (error) {
    client.close();
    throw error;
  }
}

/** A client of a worker that is none of these. Those of others, and of one that dies meanwhile, are closed again. */
export async function askAnother(addr: Deno.Addr, ...workers: string[]): Promise<Served> {
  const search = async (): Promise<Served> => {
    for (;;) {
      const served = await ask(addr).catch(() => undefined);
      if (served && !workers.includes(served.worker)) return served;
      served?.client.close();
    }
  };
  return await within(search(), "a client of another worker");
}

/** Waits for the end that a worker's death means to a client: the end of the stream, or a reset. */
export async function ending(client: Connection): Promise<void> {
  try {
    while (await within(client.recv(), "the connection's end"));
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  }
}
