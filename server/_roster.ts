/**
 * Packets whose handlers have not ended.
 *
 * @module
 */
import { type Datagram, datagramControl } from "./datagram.ts";

/**
 * A set of packets that come and go all day: each knows its place in a row, and the last one takes the place of one that
 * leaves.
 *
 * No `Set` beneath: with one that is empty again after every packet, an echo took 4 % longer (see `ConnectionTable` for
 * what becomes of its tables).
 */
export class Roster {
  readonly #packets: Datagram[] = [];

  /** How many there are. */
  get size(): number {
    return this.#packets.length;
  }

  /** Puts one in that is not in. */
  add(packet: Datagram): void {
    datagramControl.setPlace(packet, this.#packets.push(packet) - 1);
  }

  /** Takes one out, if it is in. */
  delete(packet: Datagram): void {
    const place = datagramControl.place(packet);
    if (place < 0) return;
    const last = this.#packets.pop()!;
    if (last !== packet) {
      this.#packets[place] = last;
      datagramControl.setPlace(last, place);
    }
    datagramControl.setPlace(packet, -1);
  }

  /** All of them as they are now. */
  values(): Datagram[] {
    return [...this.#packets];
  }
}
