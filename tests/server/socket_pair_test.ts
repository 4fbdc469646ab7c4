import { assertEquals } from "@std/assert";
import { socketPair } from "../../mod.ts";

Deno.test("socketPair() gives two connections that are each other's peer, in both directions", async () => {
  const [near, far] = await socketPair();
  await near.sendAll("ping\n");
  await far.sendAll("pong\n");
  assertEquals([await far.readLine(), await near.readLine()], ["ping", "pong"]);
  near.close();
  assertEquals(await far.recv(), null);
  far.close();
});

Deno.test("socketPair() passes on the end of one direction only", async () => {
  const [near, far] = await socketPair();
  await near.closeWrite();
  assertEquals(await far.recv(), null);
  await far.sendAll("still here\n");
  assertEquals(await near.readLine(), "still here");
  near.close();
  far.close();
});

Deno.test({
  name: "socketPair() leaves no file behind",
  ignore: Deno.build.os === "windows",
  async fn() {
    const [near, far] = await socketPair();
    const { path } = near.remoteAddr as Deno.UnixAddr;
    assertEquals(await Deno.stat(path!).catch((error) => error.name), "NotFound");
    near.close();
    far.close();
  },
});

Deno.test("socketPair() makes as many pairs at once as are asked for", async () => {
  const pairs = await Promise.all(Array.from({ length: 20 }, () => socketPair()));
  for (const [i, [near]] of pairs.entries()) await near.sendAll(`${i}\n`);
  assertEquals(await Promise.all(pairs.map(([, far]) => far.readLine())), pairs.map((_, i) => String(i)));
  for (const ends of pairs) for (const end of ends) end.close();
});
