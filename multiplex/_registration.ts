/**
 * One source in one poller.
 *
 * @module
 */
import { EVENT_READ, EVENT_WRITE, type Item, type Readiness, type Source } from "./pollable.ts";
import type { Queueable } from "./_ready_queue.ts";
import type { Key, PollEvent, Trigger } from "./poller.ts";

/** The poller, as a registration needs it. */
export interface RegistrationHost<S extends Source, D> {
  /** To be called when something may have become ready. */
  woken(registration: Registration<S, D>): void;
  /** To be called when the registration has to be looked at before the next answer. */
  changed(registration: Registration<S, D>): void;
}

/** What a registration is made of. */
export interface Terms<D> {
  /** The events that are asked for. */
  interest: number;
  /** When they are reported. */
  trigger: Trigger;
  /** The caller's own. */
  data: D;
}

/** See {@linkcode Key}. It decides what is reported of its source; the poller decides when. */
export class Registration<S extends Source, D> implements Key<S, D>, Queueable {
  readonly source: S;
  /** Whether it stands in the ready queue. */
  queued = false;
  /** Whether the poller will look at it before its next answer. */
  due = false;
  /** Whether an item was taken since it was last looked at. */
  served = false;
  readonly #host: RegistrationHost<S, D>;
  readonly #readiness: Readiness;
  readonly #unwatch: () => void;
  #terms: Terms<D>;
  /** Edge: the events that have come since the last report. */
  #arrived = 0;
  /** Edge: what is ready already counts as having come. */
  #fresh = true;
  /** Oneshot: reported, and silent until it is modified. */
  #spent = false;
  #active = true;

  constructor(source: S, readiness: Readiness, terms: Terms<D>, host: RegistrationHost<S, D>) {
    this.source = source;
    this.#readiness = readiness;
    this.#terms = terms;
    this.#host = host;
    checkTerms(terms, readiness);
    this.#unwatch = readiness.watch(this.#told);
  }

  get interest(): number {
    return this.#terms.interest;
  }

  get trigger(): Trigger {
    return this.#terms.trigger;
  }

  get data(): D {
    return this.#terms.data;
  }

  get active(): boolean {
    return this.#active;
  }

  take(): IteratorResult<Item<S>, undefined> | undefined {
    if (!this.#active) return undefined;
    this.served = true;
    try {
      return this.#readiness.take() as IteratorResult<Item<S>, undefined> | undefined;
    } finally {
      if (!this.due) this.#host.changed(this);
    }
  }

  /** Changes the terms and arms it again. */
  modify(terms: Terms<D>): void {
    checkTerms(terms, this.#readiness);
    this.#terms = terms;
    this.#spent = false;
    this.#fresh = true;
    this.#host.changed(this);
  }

  /** Ends it. */
  close(): void {
    this.#active = false;
    this.#unwatch();
  }

  /**
   * Before an answer: begins what has to begin for the events that do not hold. Says whether there is something to report
   * already.
   */
  look(): boolean {
    if (!this.#active || this.#spent) return false;
    const { interest, trigger } = this.#terms;
    const ready = this.#readiness.ready & interest;
    if (ready !== interest) this.#readiness.prepare(interest & ~ready); // what comes at once, comes through #told
    if (trigger !== "edge") return ready !== 0;
    if (this.#fresh) this.#arrived |= ready;
    this.#fresh = false;
    return this.#arrived !== 0;
  }

  /** The report for the answer, or `undefined` if what woke it is gone. */
  report(): PollEvent<S, D> | undefined {
    if (!this.#active || this.#spent) return undefined;
    const { interest, trigger, data } = this.#terms;
    const arrived = this.#arrived;
    this.#arrived = 0;
    const events = this.#readiness.ready & interest;
    if (events === 0 || (trigger === "edge" && arrived === 0)) return undefined;
    if (trigger === "oneshot") this.#spent = true;
    return { key: this, source: this.source, data, events };
  }

  #told = (events: number): void => {
    const arrived = events & this.#terms.interest;
    if (arrived === 0 || this.#spent) return;
    this.#arrived |= arrived;
    this.#host.woken(this);
  };
}

/** Fails before anything has changed. */
function checkTerms({ interest, trigger }: Terms<unknown>, { events }: Readiness): void {
  if (trigger !== "level" && trigger !== "edge" && trigger !== "oneshot") {
    throw new RangeError(`Cannot watch with trigger "${trigger}": expected "level", "edge" or "oneshot"`);
  }
  if ((interest & EVENT_WRITE) !== 0 && (events & EVENT_WRITE) === 0) {
    throw new TypeError("Cannot watch for EVENT_WRITE: this source has no queue to send from");
  }
}

/** Checked before the source is looked at. */
export function checkInterest(interest: number): void {
  if (interest !== EVENT_READ && interest !== EVENT_WRITE && interest !== (EVENT_READ | EVENT_WRITE)) {
    throw new RangeError(`Cannot watch for events ${interest}: expected EVENT_READ, EVENT_WRITE or both`);
  }
}
