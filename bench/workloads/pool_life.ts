/**
 * What a worker costs and how long one is missed: memory of each, from the start of the program to its first answer, and
 * from the death of the only worker to the next answer. Where a server has no workers but a thread or process for each
 * client, its memory is that of a client.
 */

import { contest, type Turn } from "../contest.ts";
import { Server } from "../server.ts";
import type { Sample } from "../workload.ts";

const MESSAGE = "hello";
const DIE = "die"; // has the kit's handler module end its worker
const MORE_WORKERS = 3;
const [FEW_CLIENTS, MANY_CLIENTS] = [2, 82];
const PATIENCE_MS = 10_000;
const ATTEMPT_MS = 1_000;
/** Between the beginnings of two attempts; the most by which a figure can be too large. */
const BETWEEN_MS = 5;

/** Bytes came that nobody had sent. A new attempt would not make it better. */
class WrongReplyError extends Error {}

async function measure(turn: Turn): Promise<Sample> {
  const { server } = turn;
  await untilAnswered(server, performance.now());
  const memory = hasCount(turn) ? await perWorker(turn) : await perClient(server);
  const replaced = await replacementTime(turn);
  return { figures: { start: await startTime(turn), memory, replaced } };
}

/** Whether the number of its workers is its last argument. */
function hasCount({ command }: Turn): boolean {
  return command.args.at(-1) === "1";
}

async function startTime({ command }: Turn): Promise<number> {
  const since = performance.now();
  await using server = await Server.start(command);
  return await untilAnswered(server, since);
}

async function perWorker({ server, command }: Turn): Promise<number | null> {
  const args = [...command.args.slice(0, -1), String(MORE_WORKERS)];
  await using larger = await Server.start({ ...command, args });
  await untilAnswered(larger, performance.now());
  return difference(await settledKilobytes(server), await settledKilobytes(larger), MORE_WORKERS - 1);
}

async function perClient(server: Server): Promise<number | null> {
  const clients: Deno.Conn[] = [];
  const connectTo = async (count: number): Promise<number | null> => {
    while (clients.length < count) clients.push(await answered(server));
    return await settledKilobytes(server);
  };
  const figure = difference(
    await connectTo(FEW_CLIENTS),
    await connectTo(MANY_CLIENTS),
    MANY_CLIENTS - FEW_CLIENTS,
  );
  for (const client of clients) client.close();
  return figure;
}

/** How long the server is without a worker when its only one dies; `null` where there is none that could. */
async function replacementTime(turn: Turn): Promise<number | null> {
  const { server } = turn;
  using conn = await answered(server);
  const [worker] = server.children().slice(-1);
  if (worker === undefined && !hasCount(turn)) return null;
  const since = performance.now();
  if (worker === undefined) await conn.write(new TextEncoder().encode(DIE));
  else Deno.kill(worker, "SIGKILL");
  await ended(conn);
  return await untilAnswered(server, since);
}

/** Waits until the server has hung up, as the dying worker does, or for a second. */
async function ended(conn: Deno.Conn): Promise<void> {
  const tooLate = setTimeout(() => conn.close(), ATTEMPT_MS);
  while (await conn.read(new Uint8Array(16)).catch(() => null) !== null);
  clearTimeout(tooLate);
}

/**
 * Tries again and again; gives the milliseconds until a client was answered. An attempt does not wait for the one before
 * it, which may have been handed to a worker that is no more: nobody answers that, and nobody hangs up. When one has
 * its answer, or is given a wrong one, the others are closed; that is so with at most 200 at a time.
 */
async function untilAnswered(server: Server, since: number): Promise<number> {
  const over = new AbortController();
  const attempts: Promise<void>[] = [];
  const outcome = Promise.withResolvers<number>();
  let lastError: unknown;
  const attempt = async (): Promise<void> => {
    try {
      using _ = await answered(server, over.signal);
      outcome.resolve(performance.now() - since);
    } catch (error) {
      if (error instanceof WrongReplyError) outcome.reject(error);
      lastError = error;
    }
  };
  const begin = (): void => {
    if (performance.now() - since > PATIENCE_MS) outcome.reject(lastError);
    else attempts.push(attempt());
  };
  begin();
  const beginning = setInterval(begin, BETWEEN_MS);
  try {
    return await outcome.promise;
  } finally {
    clearInterval(beginning);
    over.abort();
    await Promise.all(attempts);
  }
}

/** A connection that has had an answer. It is closed, and this rejects, when the signal says so or after a second. */
async function answered({ port }: Server, signal?: AbortSignal): Promise<Deno.Conn> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port, signal });
  const close = (): void => conn[Symbol.dispose](); // more than once, too
  const tooLate = setTimeout(close, ATTEMPT_MS);
  signal?.addEventListener("abort", close);
  try {
    signal?.throwIfAborted();
    await conn.write(new TextEncoder().encode(MESSAGE));
    await expectMessage(conn);
    return conn;
  } catch (error) {
    close();
    throw error;
  } finally {
    clearTimeout(tooLate);
    signal?.removeEventListener("abort", close);
  }
}

/** Reads the message, with room for one byte too many. */
async function expectMessage(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(MESSAGE.length + 1);
  let reply = "";
  for (let length = 0, n; length < MESSAGE.length; length += n) {
    n = await conn.read(buffer.subarray(length));
    if (n === null) throw new Error(`"${reply}" came back`);
    reply = new TextDecoder().decode(buffer.subarray(0, length + n));
    if (!MESSAGE.startsWith(reply)) throw new WrongReplyError(`"${reply}" came back`);
  }
}

async function settledKilobytes(server: Server): Promise<number | null> {
  await new Promise((resolve) => setTimeout(resolve, 300));
  return server.familyKilobytes();
}

function difference(fewer: number | null, more: number | null, count: number): number | null {
  return fewer === null || more === null ? null : Math.max(0, more - fewer) / count;
}

export default contest({
  name: "pool_life",
  title: "The life of workers",
  service: "pool",
  cases: [{
    title: "memory, start and replacement",
    columns: [
      { key: "memory", title: "KB each", digits: 0 },
      { key: "start", title: "start ms", digits: 0 },
      { key: "replaced", title: "replaced ms", digits: 0 },
    ],
    measure,
  }],
});
