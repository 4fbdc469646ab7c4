/**
 * Keys and values, and the commands that work on them.
 *
 * @module
 */
import { codeOf, type Commands, type Reply, type Request } from "./_resp.ts";

interface Entry {
  value: string;
  /** When it goes, in milliseconds as of `Date.now()`. */
  expires: number;
}

const PING = codeOf("PING");
const GET = codeOf("GET");
const SET = codeOf("SET");

/** Keeps everything in memory. An expired key goes when somebody asks for it. */
export class RedisStore implements Commands {
  readonly #entries = new Map<string, Entry>();

  /** The three that matter most are told apart by number. */
  run(request: Request, reply: Reply): void {
    const { code, count } = request;
    if (code === GET && count === 2) this.#get(request, reply);
    else if (code === SET && count === 3) this.#set(request, reply);
    else if (code === PING && count === 1) reply.pong();
    else this.#runNamed(request, reply);
  }

  #runNamed(request: Request, reply: Reply): void {
    const { name, count } = request;
    const command = COMMANDS[name];
    if (!command) return reply.error(`ERR unknown command '${request.text(0)}'`);
    const [least, most, run] = command;
    if (count - 1 < least || count - 1 > most) {
      return reply.error(`ERR wrong number of arguments for '${name.toLowerCase()}' command`);
    }
    run(this, request, reply);
  }

  #find(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (!entry || entry.expires === Infinity || entry.expires > Date.now()) return entry;
    this.#entries.delete(key);
    return undefined;
  }

  #get(request: Request, reply: Reply): void {
    const entry = this.#find(request.text(1));
    if (entry) reply.bulk(entry.value);
    else reply.nothing();
  }

  #set(request: Request, reply: Reply): void {
    const key = request.text(1);
    const value = request.text(2);
    const entry = this.#entries.get(key);
    if (!entry) this.#entries.set(key, { value, expires: Infinity });
    else {
      entry.value = value;
      entry.expires = Infinity;
    }
    reply.ok();
  }

  /** Removes keys, from the second argument on. */
  delete(request: Request, reply: Reply): void {
    let removed = 0;
    for (let i = 1; i < request.count; i++) {
      const key = request.text(i);
      if (this.#find(key) && this.#entries.delete(key)) removed++;
    }
    reply.integer(removed);
  }

  /** Counts the keys that are there. */
  exists(request: Request, reply: Reply): void {
    let found = 0;
    for (let i = 1; i < request.count; i++) if (this.#find(request.text(i))) found++;
    reply.integer(found);
  }

  /** Adds 1. Numbers are JavaScript's: whole up to 2^53. */
  increment(request: Request, reply: Reply): void {
    const key = request.text(1);
    const entry = this.#find(key);
    const value = Number(entry?.value ?? "0") + 1;
    if (!/^-?\d{1,16}$/.test(entry?.value ?? "0") || !Number.isSafeInteger(value)) {
      return reply.error("ERR value is not an integer or out of range");
    }
    if (entry) entry.value = String(value);
    else this.#entries.set(key, { value: "1", expires: Infinity });
    reply.integer(value);
  }

  /** Lets a key go after a number of seconds. */
  expire(request: Request, reply: Reply): void {
    const seconds = request.text(2);
    if (!/^-?\d{1,12}$/.test(seconds)) return reply.error("ERR value is not an integer or out of range");
    const entry = this.#find(request.text(1));
    if (entry) entry.expires = Date.now() + Number(seconds) * 1_000;
    reply.integer(entry ? 1 : 0);
  }

  /** The seconds that a key has left. */
  timeToLive(request: Request, reply: Reply): void {
    const entry = this.#find(request.text(1));
    if (!entry) reply.integer(-2);
    else if (entry.expires === Infinity) reply.integer(-1);
    else reply.integer(Math.round((entry.expires - Date.now()) / 1_000));
  }

  /** Forgets everything. */
  clear(_request: Request, reply: Reply): void {
    this.#entries.clear();
    reply.ok();
  }
}

type Run = (store: RedisStore, request: Request, reply: Reply) => void;

/** By name: the least and the most arguments, and what it does. */
const COMMANDS: Readonly<Record<string, readonly [number, number, Run]>> = {
  __proto__: null as never,
  GET: [1, 1, () => {}], // run by its number; here for its arguments, as are the next two
  SET: [2, 2, () => {}],
  PING: [0, 1, (_store, request, reply) => reply.bulk(request.text(1))],
  ECHO: [1, 1, (_store, request, reply) => reply.bulk(request.text(1))],
  DEL: [1, Infinity, (store, request, reply) => store.delete(request, reply)],
  EXISTS: [1, Infinity, (store, request, reply) => store.exists(request, reply)],
  INCR: [1, 1, (store, request, reply) => store.increment(request, reply)],
  EXPIRE: [2, 2, (store, request, reply) => store.expire(request, reply)],
  TTL: [1, 1, (store, request, reply) => store.timeToLive(request, reply)],
  FLUSHALL: [0, 1, (store, request, reply) => store.clear(request, reply)],
  // What clients ask before they begin; nothing can be configured, and there is one database.
  COMMAND: [0, Infinity, (_store, _request, reply) => reply.array(0)],
  CONFIG: [1, Infinity, configured],
  CLIENT: [1, Infinity, (_store, _request, reply) => reply.ok()],
  SELECT: [1, 1, (_store, _request, reply) => reply.ok()],
  QUIT: [0, Infinity, quit],
};

function configured(_store: RedisStore, request: Request, reply: Reply): void {
  if (request.text(1).toUpperCase() !== "GET" || request.count !== 3) {
    return reply.error("ERR nothing can be configured");
  }
  reply.array(2);
  reply.bulk(request.text(2));
  reply.bulk("");
}

function quit(_store: RedisStore, _request: Request, reply: Reply): void {
  reply.ok();
  reply.isLast = true;
}
