import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { EVENT_READ, type Key, Poller, type Source, type Trigger } from "../../multiplex/mod.ts";
import { turn, within } from "../_support/deadline.ts";
import { Mailbox } from "../_support/mailbox.ts";
import { Random } from "../_support/random.ts";

const STEPS = 6_000;
const SOURCES = 300;
const ITEMS = 40;
const TRIGGERS: readonly Trigger[] = ["level", "edge", "oneshot"];

/** A source that counts up from 0, and what has come out of it. */
class Subject {
  readonly source: Source<number>;
  readonly mailbox: Mailbox<number> | undefined;
  taken = 0;
  ended = false;
  put = 0;

  constructor(random: Random) {
    const kind = random.below(4);
    this.mailbox = kind === 0 ? new Mailbox() : undefined;
    this.source = this.mailbox ?? [syncNumbers, asyncNumbers, slowNumbers][kind - 1](random);
  }

  /** Whether nothing more is to come. */
  get isOver(): boolean {
    return this.mailbox ? this.taken === ITEMS : this.ended;
  }

  /** Checks that this is the next one. */
  accept(item: IteratorResult<unknown, unknown> | undefined): boolean {
    if (!item) return false;
    if (item.done) {
      assertEquals(this.taken, ITEMS, "it ended early");
      this.ended = true;
    } else assertEquals(item.value, this.taken++, "an item was lost, doubled or out of order");
    return true;
  }
}

function* syncNumbers(_random: Random): Generator<number> {
  for (let n = 0; n < ITEMS; n++) yield n;
}

async function* asyncNumbers(_random: Random): AsyncGenerator<number> {
  for (let n = 0; n < ITEMS; n++) yield n;
}

async function* slowNumbers(random: Random): AsyncGenerator<number> {
  for (let n = 0; n < ITEMS; n++) {
    if (random.chance(0.1)) await turn();
    yield n;
  }
}

/** Takes random steps with a poller and compares it with what it must do. */
class Trial {
  readonly #random: Random;
  readonly #subjects: Subject[];
  readonly #bySource = new Map<unknown, Subject>();
  #poller = new Poller<Source<number>, Subject>();

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#subjects = Array.from({ length: SOURCES }, () => new Subject(this.#random));
    for (const subject of this.#subjects) this.#bySource.set(subject.source, subject);
  }

  async run(): Promise<void> {
    for (let n = 0; n < STEPS; n++) await this.#step();
    await this.#drain();
    for (const subject of this.#subjects) assertEquals(subject.taken, ITEMS);
    this.#poller.close();
  }

  async #step(): Promise<void> {
    const dice = this.#random.next();
    const subject = this.#random.pick(this.#subjects);
    const registered = this.#poller.keys.has(subject.source);
    if (dice < 0.35) registered ? await this.#unregister(subject) : this.#register(subject);
    else if (dice < 0.45) registered && this.#modify(subject);
    else if (dice < 0.6) this.#put(subject);
    else if (dice < 0.602) this.#startAnew();
    else await this.#poll(dice > 0.98);
  }

  #register(subject: Subject): void {
    const trigger = this.#random.pick(TRIGGERS);
    const key = this.#poller.register(subject.source, EVENT_READ, { data: subject, trigger });
    assertStrictEquals(key.source, subject.source);
    assertStrictEquals(key.data, subject);
    assertEquals(key.trigger, trigger);
  }

  #modify(subject: Subject): void {
    this.#poller.modify(subject.source, EVENT_READ, { trigger: this.#random.pick(TRIGGERS) });
  }

  /** What was read ahead must come first, from the remainder. */
  async #unregister(subject: Subject): Promise<void> {
    const rest = this.#poller.unregister(subject.source) as AsyncIterator<number>;
    if (subject.mailbox || !this.#random.chance(0.3)) return;
    subject.accept(await within(rest.next(), "the remainder's next item"));
  }

  #put(subject: Subject): void {
    if (subject.put < ITEMS) subject.mailbox?.put(subject.put);
    subject.put = Math.min(ITEMS, subject.put + 1);
  }

  #startAnew(): void {
    this.#poller.close();
    this.#poller = new Poller();
  }

  async #poll(wait: boolean): Promise<void> {
    if (!wait) this.#poller.notify();
    const events = await within(this.#poller.poll(0), "the answer");
    const keys = new Set(events.map(({ key }) => key));
    assertEquals(keys.size, events.length, "no source is named twice");
    for (const key of this.#poller.keys.values()) this.#compare(key, keys.has(key));
    for (const { key, data, events: ready } of events) {
      assertEquals(ready, EVENT_READ);
      if (this.#random.chance(0.8)) assert(data.accept(key.take()), "what was reported can be taken");
    }
  }

  /** Mailboxes are known without waiting: by level they are reported if and only if something is in them. */
  #compare({ data, trigger }: Key<Source, Subject>, reported: boolean): void {
    if (!data.mailbox || trigger !== "level") return;
    assertEquals(reported, data.taken < data.put);
  }

  async #drain(): Promise<void> {
    for (const subject of this.#subjects) {
      while (subject.put < ITEMS) this.#put(subject);
      if (subject.isOver) continue;
      if (!this.#poller.keys.has(subject.source)) this.#register(subject);
      this.#poller.modify(subject.source, EVENT_READ, { trigger: "level" });
    }
    for (const { isOver, source } of this.#subjects) {
      if (isOver && this.#poller.keys.has(source)) this.#poller.unregister(source);
    }
    while (this.#poller.keys.size > 0) {
      for (const { key, source, data } of await within(this.#poller.poll(), "the answer")) {
        data.accept(key.take());
        if (data.isOver) this.#poller.unregister(source);
      }
    }
  }
}

for (const seed of [1, 2, 20_261_120]) {
  Deno.test(`Poller loses, doubles and reorders nothing in ${STEPS} random steps (seed ${seed})`, async () => {
    await new Trial(seed).run();
  });
}
