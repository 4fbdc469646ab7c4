import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  connectDatagram,
  type Datagram,
  DatagramRequestHandler,
  PacketReader,
  PacketWriter,
  TcpServer,
  UdpServer,
} from "../../mod.ts";
import { hear } from "../_support/datagram_servers.ts";
import { Recorder } from "../_support/recorder.ts";
import { serving } from "../_support/serving.ts";

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** Does what its packet says. */
class Obedient extends DatagramRequestHandler {
  override async handle(): Promise<void> {
    const order = this.rfile.readLine();
    if (order === "silence") return;
    this.wfile.write(bytes("half"));
    if (order === "throw") throw new Error("as told");
    await Promise.resolve();
    if (order === "empty") this.wfile.clear(), this.wfile.write(new Uint8Array(0));
    if (order === "whole") this.wfile.write(bytes(" and half"));
  }
}

Deno.test("DatagramRequestHandler sends what was written as one packet, an empty one where that was written", async () => {
  await using running = await serving(new UdpServer(Obedient));
  await using client = await connectDatagram(running.server.addr);
  for (const [order, answer] of [["whole", "half and half"], ["empty", ""]]) {
    await client.send(order);
    assertEquals(await hear(client), answer);
  }
});

Deno.test("DatagramRequestHandler sends nothing where nothing was written, nor what handle had written when it threw (F.6)", async () => {
  const observer = new Recorder();
  await using running = await serving(new UdpServer(Obedient, { observers: [observer] }));
  await using client = await connectDatagram(running.server.addr);
  await client.send("silence");
  await client.send("throw");
  assertEquals(((await observer.until("error")).error as Error).message, "as told");
  await client.send("whole");
  assertEquals(await hear(client), "half and half");
  await assertRejects(() => client.receive({ timeout: 10 }), Deno.errors.TimedOut);
  const { succeeded, failed, bytesOut } = running.server.stats;
  assertEquals([succeeded, failed, bytesOut], [2, 1, 13]);
});

Deno.test("DatagramRequestHandler has packet, clientAddress, server; setup before handle, finish after it", async () => {
  const steps: string[] = [];
  class Noting extends DatagramRequestHandler {
    override setup(): void {
      super.setup();
      steps.push("setup");
    }
    override handle(): void {
      assert(this.server instanceof UdpServer);
      assertEquals(this.packet, this.request);
      assertEquals(this.clientAddress, this.packet.remoteAddr);
      steps.push("handle");
      throw new Error("handle");
    }
    override async finish(): Promise<void> {
      await super.finish();
      steps.push("finish");
    }
  }
  const observer = new Recorder();
  await using running = await serving(new UdpServer(Noting, { observers: [observer] }));
  await using client = await connectDatagram(running.server.addr);
  await client.send("x");
  assertEquals(((await observer.until("error")).error as Error).message, "handle");
  assertEquals(steps, ["setup", "handle", "finish"]);
});

Deno.test("DatagramRequestHandler whose setup throws is neither handled nor finished", async () => {
  const steps: string[] = [];
  class Unready extends DatagramRequestHandler {
    override setup(): void {
      throw new Error("setup");
    }
    override handle(): void {
      steps.push("handle");
    }
    override finish(): void {
      steps.push("finish");
    }
  }
  const observer = new Recorder();
  await using running = await serving(new UdpServer(Unready, { observers: [observer] }));
  await using client = await connectDatagram(running.server.addr);
  await client.send("x");
  assertEquals(((await observer.until("error")).error as Error).message, "setup");
  assertEquals(steps, []);
});

Deno.test("DatagramRequestHandler is refused by a server of connections", () => {
  assertThrows(() => new TcpServer(Obedient as never), TypeError, "Obedient handles datagrams");
});

Deno.test("PacketReader reads a packet in pieces, and then null", () => {
  const reader = new PacketReader(bytes("one\ntwo\r\n\nrest"));
  assertEquals(reader.length, 14);
  assertEquals(reader.read(2), bytes("on"));
  assertEquals(reader.readUntil("\n"), bytes("e\n"));
  assertEquals(reader.readLine(), "two");
  assertEquals(reader.readLine(), "");
  assertThrows(() => reader.readUntil("\0"), Deno.errors.UnexpectedEof);
  assertThrows(() => reader.readExactly(5), Deno.errors.UnexpectedEof, "4 of 5 bytes left");
  assertEquals(reader.readExactly(1), bytes("r"));
  assertEquals([...reader], [bytes("est")]);
  assertEquals([reader.read(), reader.readLine(), reader.readUntil("x")], [null, null, null]);
  assertEquals(reader.readExactly(0), bytes(""));
  assertEquals([...reader], []);
  assertEquals([...new PacketReader(bytes("a\nb")).lines()], ["a", "b"]);
  assertThrows(() => reader.read(0), RangeError);
  assertThrows(() => reader.readExactly(-1), RangeError);
  assertThrows(() => reader.readUntil(""), RangeError);
});

Deno.test("PacketWriter collects copies, of views of any kind and of text", () => {
  const writer = new PacketWriter();
  assertEquals([writer.written, writer.bytes()], [false, bytes("")]);
  const chunk = bytes("abc");
  assertEquals(writer.write(chunk), 3);
  chunk.fill(0);
  assertEquals(writer.write(new Uint16Array([0x6464])), 2);
  assertEquals(writer.write(bytes("e").buffer), 1);
  assertEquals(writer.write("é"), 2);
  writer.flush();
  assertEquals([writer.written, writer.bytes()], [true, bytes("abcddeé")]);
  assertThrows(() => writer.write(1 as never), TypeError);
});

Deno.test("Datagram.text() reads what is no UTF-8 as U+FFFD", async () => {
  const packets: Datagram[] = [];
  await using running = await serving(new UdpServer((packet) => (packets.push(packet), packet.reply("ok"))));
  await using client = await connectDatagram(running.server.addr);
  await client.send(new Uint8Array([0x61, 0xff]));
  await hear(client);
  assertEquals(packets[0].text(), "a\uFFFD");
});
