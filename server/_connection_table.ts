/**
 * The live connections of a server.
 *
 * @module
 */

/** Something that counts up gave it its number. */
interface Numbered {
  readonly id: number;
}

/**
 * A map by id whose entries come and go all day.
 *
 * No `Map` beneath: V8 links each table that a `Map` has outgrown to the next one, and such a chain, once it is old, keeps
 * every connection that ever stood in it from being collected young. With short connections that doubled the time spent
 * collecting.
 */
export class ConnectionTable<C extends Numbered> implements ReadonlyMap<number, C> {
  readonly #byId: Record<number, C> = Object.create(null);
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** Puts one in. */
  add(conn: C): void {
    this.#byId[conn.id] = conn;
    this.#size++;
  }

  /** Takes one out that is in. */
  remove(conn: C): void {
    delete this.#byId[conn.id];
    this.#size--;
  }

  /** The one with this id. */
  get(id: number): C | undefined {
    return this.#byId[id];
  }

  /** Whether there is one with this id. */
  has(id: number): boolean {
    return id in this.#byId;
  }

  /** Calls `visit` for each, the oldest first. */
  forEach(visit: (conn: C, id: number, map: ReadonlyMap<number, C>) => void): void {
    for (const conn of this.values()) visit(conn, conn.id, this);
  }

  /** All of them as they are now, the oldest first. */
  values(): MapIterator<C> {
    return Object.values(this.#byId)[Symbol.iterator]() as MapIterator<C>;
  }

  /** Their ids. */
  keys(): MapIterator<number> {
    return Object.keys(this.#byId).map(Number)[Symbol.iterator]() as MapIterator<number>;
  }

  /** Ids and connections. */
  entries(): MapIterator<[number, C]> {
    return Object.values(this.#byId).map((conn): [number, C] => [conn.id, conn])
      [Symbol.iterator]() as MapIterator<[number, C]>;
  }

  /** Ids and connections. */
  [Symbol.iterator](): MapIterator<[number, C]> {
    return this.entries();
  }
}
