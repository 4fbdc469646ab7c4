import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connectDatagram } from "../../mod.ts";
import { printable } from "../../examples/_printable.ts";
import { parseSyslog } from "../../examples/_syslog.ts";
import { isInstalled, run } from "../_support/command.ts";
import { Program } from "../_support/program.ts";
import { socketPath } from "../_support/socket_folder.ts";

/** Waits until a program says on which UDP port it listens. */
async function udpPort(program: Program): Promise<string> {
  const [, port] = await program.until(/listening on udp:\/\/127\.0\.0\.1:(\d+)/);
  return port;
}

Deno.test("examples/udp_server.ts (S14) prints each line that its client sends, until exit", async () => {
  await using server = new Program("examples/udp_server.ts", { args: ["--port", "0"] });
  const port = await udpPort(server);
  await using client = new Program("examples/udp_client.ts", { args: ["--port", port] });
  for (const line of ["hello", "a second one", "exit", "never sent"]) await client.type(line);
  assertEquals((await client.end()).code, 0);
  await server.until(/^udp:\/\/127\.0\.0\.1:\d+: hello$/);
  await server.until(/^udp:\/\/127\.0\.0\.1:\d+: a second one$/);

  await using other = await connectDatagram(`udp://127.0.0.1:${port}`);
  await other.send("one line\nudp://127.0.0.1:1: forged\x1b[2J");
  await server.until(/: one line\\u\{a\}udp:\/\/127\.0\.0\.1:1: forged\\u\{1b\}\[2J$/);
  await other.send("x".repeat(10_000));
  await server.until(/: x+… \(cut\)$/);
});

Deno.test({
  name: "examples/syslog_collector.ts prints what logger sends, in both forms and over both transports",
  ignore: !isInstalled("logger") || Deno.build.os !== "linux",
  fn: async () => {
    const path = socketPath("log");
    await using server = new Program("examples/syslog_collector.ts", {
      args: ["--port", "0", "--unixgram", path],
    });
    const port = await udpPort(server);
    await server.until(/listening on unixgram:/);
    const remote = ["--server", "127.0.0.1", "--port", port, "--udp"];
    const log = async (...args: string[]): Promise<void> => {
      const { code, errors } = await run("logger", args);
      assertEquals([code, errors], [0, ""]);
    };
    await log(...remote, "--rfc5424", "--tag", "new", "--id=42", "--priority", "local3.crit", "the new form");
    await server.until(/^local3\.crit \S+ new\[42\]: the new form$/);
    await log(...remote, "--rfc3164", "--tag", "old", "--id=43", "--priority", "mail.debug", "the old form");
    await server.until(/^mail\.debug \S+ old\[43\]: the old form$/);
    await log("--socket", path, "--tag", "near", "--priority", "daemon.err", "from this machine");
    await server.until(/^daemon\.err local near: from this machine$/);
    await log(...remote, "--tag", "evil", "one\nkern.emerg forged: two");
    await server.until(/^user\.notice \S+ evil: one\\u\{a\}kern\.emerg forged: two$/);
    server.kill("SIGINT");
    const { code, output } = await server.end();
    assertEquals(code, 0);
    assertStringIncludes(output.at(-1)!, "messages came");
  },
});

Deno.test("examples/syslog_collector.ts prints one line for a packet, whatever is in it", async () => {
  await using server = new Program("examples/syslog_collector.ts", { args: ["--port", "0"] });
  await using client = await connectDatagram(`udp://127.0.0.1:${await udpPort(server)}`);
  await client.send("<13>Jan  1 00:00:00 host app: one\nkern.emerg host forged: two\u2028three\u202efour");
  await server.until(
    /^user\.notice host app: one\\u\{a\}kern\.emerg host forged: two\\u\{2028\}three\\u\{202e\}four$/,
  );
  await client.send(new Uint8Array(60_000).fill(0x41));
  await server.until(/^user\.notice 127\.0\.0\.1 A{1,2000}… \(cut\)$/);
  await client.send("");
  await server.until(/^user\.notice 127\.0\.0\.1 $/);
});

Deno.test("parseSyslog() understands the examples of RFC 5424", () => {
  const message = parseSyslog(
    "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 " +
      '[exampleSDID@32473 iut="3" eventSource="App\\"li\\]cat\\\\ion"][examplePriority@32473 class="high"] ' +
      "\uFEFFAn application event log entry...",
  );
  assertEquals([message.form, message.facility, message.severity], ["rfc5424", "local4", "notice"]);
  assertEquals([message.hostname, message.appName, message.procId], [
    "mymachine.example.com",
    "evntslog",
    undefined,
  ]);
  assertEquals([message.msgId, message.text], ["ID47", "An application event log entry..."]);
  assertEquals(message.data.get("exampleSDID@32473")?.get("eventSource"), 'App"li]cat\\ion');
  assertEquals(message.data.get("examplePriority@32473")?.get("class"), "high");

  const plain = parseSyslog("<34>1 2003-10-11T22:14:15.003Z host su - ID47 - 'su root' failed");
  assertEquals([plain.severity, plain.data.size, plain.text], ["crit", 0, "'su root' failed"]);
  assertEquals(parseSyslog("<34>1 - - - - - -").text, "");
});

Deno.test("parseSyslog() understands the examples of RFC 3164, and what real programs write", () => {
  const remote = parseSyslog("<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8");
  assertEquals([remote.form, remote.facility, remote.severity], ["rfc3164", "auth", "crit"]);
  assertEquals([remote.hostname, remote.appName], ["mymachine", "su"]);
  assertEquals(remote.text, "'su root' failed for lonvick on /dev/pts/8");
  const local = parseSyslog("<30>Oct  1 22:14:15 cron[77]: ran");
  assertEquals([local.hostname, local.appName, local.procId, local.text], [undefined, "cron", "77", "ran"]);
  const ipv6 = parseSyslog("<30>Oct  1 22:14:15 2001:db8::1 app: ran");
  assertEquals([ipv6.hostname, ipv6.appName, ipv6.text], ["2001:db8::1", "app", "ran"]);
  assertEquals(parseSyslog("Use the BFG!"), {
    form: "unknown",
    facility: "user",
    severity: "notice",
    data: new Map(),
    text: "Use the BFG!",
  });
});

Deno.test("parseSyslog() never throws, and takes no longer for what is made to be slow", () => {
  const begun = performance.now();
  const hostile = [
    "<999>x",
    "<192>1 - - - - - -",
    `<34>1 - - - - - [a b="${"\\".repeat(8_000)}`,
    `<34>1 - - - - - ${'[a b="c"]'.repeat(900)}[`,
    `<34>1 - - - - - [a${' b="c"'.repeat(1_300)}`,
    `<34>Oct 11 22:14:15 ${"a".repeat(8_000)}`,
    `<34>Oct 11 22:14:15 ${":".repeat(8_000)}`,
    `<${"1".repeat(8_000)}`,
    "\0".repeat(8_000),
  ];
  for (const text of hostile) assertEquals(typeof parseSyslog(text).text, "string");
  assert(performance.now() - begun < 1_000);
});

Deno.test("printable() leaves nothing that a terminal obeys, and can be told apart from what it stands for", () => {
  assertEquals(printable("a\tb\r\n\x7f\x9b"), "a\\u{9}b\\u{d}\\u{a}\\u{7f}\\u{9b}");
  assertEquals(printable("\\u{a}"), "\\\\u{a}");
  assertEquals(printable("grüße, 世界 🙂"), "grüße, 世界 🙂");
  assertEquals(printable("x".repeat(30), 10), `${"x".repeat(10)}…`);
});

Deno.test({
  name: "examples/dns_responder.ts answers dig, over UDP and where an answer is too long over TCP",
  ignore: !isInstalled("dig"),
  fn: async () => {
    await using server = new Program("examples/dns_responder.ts", { args: ["--port", "0"] });
    const port = await udpPort(server);
    await server.until(/listening on tcp:/);
    const dig = async (...args: string[]): Promise<string> => {
      const { output } = await run("dig", ["@127.0.0.1", "-p", port, "+tries=1", "+time=10", ...args]);
      return output;
    };
    assertEquals(await dig("example.test", "A", "+short"), "192.0.2.1\n");
    assertEquals(await dig("example.test", "AAAA", "+short"), "2001:db8::1\n");
    assertEquals(await dig("WWW.example.TEST", "A", "+short"), "example.test.\n192.0.2.1\n");
    assertEquals(await dig("example.test", "MX", "+short"), "10 mail.example.test.\n");
    assertStringIncludes(await dig("nobody.example.test"), "status: NXDOMAIN");
    assertStringIncludes(await dig("example.org"), "status: REFUSED");
    assertStringIncludes(await dig("+opcode=notify", "example.test"), "status: NOTIMP");
    const long = await dig("long.example.test", "TXT", "+bufsize=512");
    assertStringIncludes(long, "Truncated, retrying in TCP mode");
    assertStringIncludes(long, "ANSWER: 1");
    assertStringIncludes(await dig("long.example.test", "TXT", "+bufsize=1232"), "(UDP)");

    await using client = await connectDatagram(`udp://127.0.0.1:${port}`);
    for (const garbage of [new Uint8Array(0), new Uint8Array(11), new Uint8Array(500).fill(0xc0)]) {
      await client.send(garbage);
    }
    assertEquals(await dig("example.test", "A", "+short"), "192.0.2.1\n");
    server.kill("SIGINT");
    assertEquals((await server.end()).code, 0);
  },
});
