import { assert, assertEquals, assertNotStrictEquals, assertRejects, assertThrows } from "@std/assert";
import { connect, type Connection, TcpServer } from "../../mod.ts";
import { select, take } from "../../multiplex/mod.ts";
import { within } from "../_support/deadline.ts";
import { Mailbox } from "../_support/mailbox.ts";

Deno.test("select() gives back the ready sources of each list, in order", async () => {
  const [a, b, c] = [new Mailbox<number>().put(1), new Mailbox<number>(), new Mailbox<number>().put(2)];
  b.setRoom(true);
  assertEquals(await select([c, b, a], [a, b], [a]), [[c, a], [b], []]);
});

Deno.test("select() gives three distinct arrays, also when all are empty", async () => {
  const [r, w, x] = await select([], [], [], 0);
  assertEquals([r, w, x], [[], [], []]);
  assertNotStrictEquals(r, w as never);
  assertNotStrictEquals(w, x);
  assertNotStrictEquals(r, x as never);
});

Deno.test("select() names a source as often as its list does", async () => {
  const box = new Mailbox<number>().put(1);
  assertEquals((await select([box, box], [], []))[0], [box, box]);
});

Deno.test("select() reads its lists once, at the call", async () => {
  const [early, late] = [new Mailbox<number>(), new Mailbox<number>().put(1)];
  const list = [early];
  const answer = select(list, [], []);
  list.push(late);
  early.put(1);
  assertEquals((await within(answer, "the answer"))[0], [early]);
});

Deno.test("select() refuses what is no list, no source, no time-out", async () => {
  await assertRejects(() => select(1 as never, [], []), TypeError);
  await assertRejects(() => select([1 as never], [], []), TypeError, "Cannot watch number 1");
  await assertRejects(() => select([], [[1]], []), TypeError, "EVENT_WRITE");
  await assertRejects(() => select([], [], [], "soon" as never), TypeError, "soon");
});

Deno.test("select() leaves nobody watching, and what it read ahead is there for the next", async () => {
  const box = new Mailbox<number>().put(1);
  await select([box], [], []);
  assertEquals(box.watched, 0);
  const source = [1, 2][Symbol.iterator]();
  await select([source], [], []);
  await select([source], [], []);
  assertEquals(take(source), { value: 1, done: false });
  assertEquals(take(source), undefined);
  await select([source], [], []);
  assertEquals(take(source), { value: 2, done: false });
});

Deno.test("take() throws what the source threw, and a TypeError for what is no source", async () => {
  const failing = { next: () => Promise.reject(new Error("broken")) };
  await select([failing], [], []);
  assertThrows(() => take(failing), Error, "broken");
  assertThrows(() => take(1 as never), TypeError);
});

Deno.test("select() over a server and its clients is the loop of the course texts", async () => {
  await using server = await new TcpServer(() => {}).listen();
  using client = await connect(server.addr);
  await client.sendAll("hello");
  const inputs: (TcpServer | Connection)[] = [server];
  let chunk: Uint8Array | undefined;
  while (!chunk) {
    const [readable] = await within(select(inputs, [], []), "something to read");
    for (const source of readable) {
      const item = take(source)!.value;
      if (source === server) inputs.push(item as Connection);
      else chunk = item as Uint8Array;
    }
  }
  assertEquals(new TextDecoder().decode(chunk), "hello");
  for (const source of inputs.slice(1)) (source as Connection).close();
});

Deno.test("select() in a loop over what is always ready lets timers have their turn", async () => {
  let ticked = false;
  const timer = setTimeout(() => ticked = true, 1);
  const endless = { next: () => ({ value: 1, done: false }) };
  const late = performance.now() + 10_000;
  while (!ticked && performance.now() < late) {
    await select([endless], [], []);
    take(endless);
  }
  clearTimeout(timer);
  assert(ticked);
});
