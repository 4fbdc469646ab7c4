// S19: an event-driven framework in twenty lines: a list of handlers, registered, and triggered by run().
//
//   deno run examples/event_list.ts
import { EventHandler, EventList } from "@switchboard/kit/multiplex";

class Greet extends EventHandler {
  override execute(): void {
    console.log("hello");
  }
}

class Count extends EventHandler {
  #count = 0;

  override async execute(): Promise<void> {
    await Promise.resolve(); // a handler may wait
    console.log(`run ${++this.#count}`);
  }
}

const list = new EventList();
list.register(new Greet());
list.register(new Count());
await list.run();
await list.run();

class Forgetful {}
try {
  list.register(new Forgetful() as EventHandler); // without the cast, the type checker refuses it already
} catch (error) {
  console.log(`refused: ${(error as Error).message}`);
}
