// S13: select, poll and epoll compared: what it costs to learn which one of many sources is ready, and what the three
// triggers report.
//
//   deno run examples/poll_compare.ts
import { EVENT_READ, EventQueue, Poller, select, type Trigger } from "@switchboard/kit/multiplex";

/** A source that is ready when its button was pressed. */
class Button extends EventQueue<number> {
  #presses = 0;

  press(): void {
    this.#presses++;
    this.happened();
  }

  protected get pending(): boolean {
    return this.#presses > 0;
  }

  protected shift(): number {
    return this.#presses--;
  }

  protected free(): void {}
}

/** Learns which button was pressed, and takes the press. */
type Wait = () => Promise<unknown>;

const WAYS: Record<string, (buttons: Button[]) => Wait> = {
  "Promise.race over all": (buttons) => {
    const waits = buttons.map((button) => button.next());
    return async () => {
      const index = await Promise.race(waits.map((wait, index) => wait.then(() => index)));
      waits[index] = buttons[index].next();
    };
  },
  "select: told all at every call": (buttons) => async () => {
    const [[ready]] = await select(buttons, [], []);
    ready.take();
  },
  "Poller: registered once": (buttons) => {
    const poller = new Poller();
    for (const button of buttons) poller.register(button);
    return async () => {
      for (const { key } of await poller.poll()) key.take();
    };
  },
};

/** Microseconds for each press, one button after the other being pressed. */
async function cost(make: (buttons: Button[]) => Wait, count: number): Promise<number> {
  const buttons = Array.from({ length: count }, () => new Button());
  const wait = make(buttons);
  const end = performance.now() + 50;
  const since = performance.now();
  let presses = 0;
  do {
    buttons[(presses++ * 7) % count].press();
    await wait();
  } while (performance.now() < end);
  return (performance.now() - since) * 1_000 / presses;
}

/** How often three polls report a source in which two items wait, of which each report takes one or none. */
async function reports(trigger: Trigger, takes: boolean): Promise<number> {
  using poller = new Poller();
  const button = new Button();
  const key = poller.register(button, EVENT_READ, { trigger });
  button.press();
  button.press();
  let count = 0;
  for (let n = 0; n < 3; n++) {
    const events = await poller.poll(0);
    count += events.length;
    if (takes && events.length > 0) key.take();
  }
  return count;
}

const COUNTS = [10, 100, 1_000, 10_000];
console.log("Microseconds to learn which source is ready, by the number of sources:\n");
console.log(`${"".padEnd(32)}${COUNTS.map((count) => String(count).padStart(10)).join("")}`);
for (const [name, make] of Object.entries(WAYS)) {
  const cells: string[] = [];
  for (const count of COUNTS) cells.push((await cost(make, count)).toFixed(1).padStart(10));
  console.log(`${name.padEnd(32)}${cells.join("")}`);
}

console.log("\nReports in three polls, two items waiting:\n");
console.log(`${"".padEnd(32)}${"taken".padStart(10)}${"not taken".padStart(10)}`);
for (const trigger of ["level", "edge", "oneshot"] as const) {
  const cells = [await reports(trigger, true), await reports(trigger, false)];
  console.log(`${trigger.padEnd(32)}${cells.map((cell) => String(cell).padStart(10)).join("")}`);
}
