/**
 * One loop over many sources: what `select`, `poll` and `epoll` are for, over anything that iterates.
 *
 * @example Whatever is ready first
 * ```ts
 * import { Poller, ticks } from "@switchboard/kit/multiplex";
 * import { assertEquals } from "@std/assert";
 *
 * using poller = new Poller();
 * const timer = ticks(60_000);
 * poller.register(timer);
 * poller.register(["hello"]);
 * const [event] = await poller.poll();
 * assertEquals(event.key.take(), { value: "hello", done: false });
 * timer.close();
 * ```
 *
 * @module
 */
export {
  type AcceptingSource,
  type ByteSource,
  EVENT_READ,
  EVENT_WRITE,
  type Item,
  type PacketSource,
  type Pollable,
  type Readiness,
  type Source,
} from "./pollable.ts";
export { type Key, Poller, type PollEvent, type RegisterOptions, type Trigger } from "./poller.ts";
export { Remainder } from "./_read_ahead.ts";
export { EventHandler, EventList } from "./event_list.ts";
export { merge } from "./merge.ts";
export { select, take } from "./select.ts";
export { EventQueue, messages, type MessageSource, signals, ticks } from "./sources.ts";
export { DelayedCall } from "./_delayed_call.ts";
export type { Port } from "./_port.ts";
export { type ConnectFactoryOptions, Reactor, type ReactorOptions, type TriggerPhase } from "./reactor.ts";
