import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { getHostByAddress, getHostByName, getServiceByName, getServiceByPort } from "../../mod.ts";
import { COMMON_SERVICES } from "../../server/_common_services.ts";
import { parseServices } from "../../server/names.ts";
import { isInstalled, python, run } from "../_support/command.ts";

Deno.test("getServiceByName() knows the ports that everybody knows", () => {
  const names = ["echo", "ftp", "ssh", "smtp", "http", "https"];
  assertEquals(names.map((name) => getServiceByName(name)), [7, 21, 22, 25, 80, 443]);
});

Deno.test("getServiceByName() heeds the protocol", () => {
  assertEquals(getServiceByName("ntp", "udp"), 123);
  assertEquals(getServiceByName("domain", "tcp"), 53);
  const error = assertThrows(() => getServiceByName("ssh", "udp"), Deno.errors.NotFound);
  assertStringIncludes(error.message, '"ssh" over udp');
});

Deno.test("getServiceByName() knows aliases", () => {
  assertEquals(getServiceByName("mail"), 25);
});

Deno.test("getServiceByPort() gives the official name, not an alias", () => {
  assertEquals([getServiceByPort(25), getServiceByPort(123, "udp")], ["smtp", "ntp"]);
});

Deno.test("getServiceByPort() says so when no service has the port", () => {
  assertThrows(() => getServiceByPort(0), Deno.errors.NotFound, "port 0");
  for (const port of [-1, 65536, 1.5]) assertThrows(() => getServiceByPort(port), RangeError, String(port));
});

Deno.test("parseServices() reads aliases and comments, and skips what it cannot read", () => {
  const text = "# all\n\nsmtp\t25/tcp  mail # post\nnothing\nbad x/tcp\r\nntp 123/udp\r\n";
  assertEquals(parseServices(text), [
    { name: "smtp", port: 25, protocol: "tcp", aliases: ["mail"] },
    { name: "ntp", port: 123, protocol: "udp", aliases: [] },
  ]);
});

Deno.test("the built-in table has a line for every line that it was written with, and no service twice", () => {
  const services = parseServices(COMMON_SERVICES);
  assertEquals(services.length, COMMON_SERVICES.trim().split("\n").length);
  assertEquals(new Set(services.map(({ name, protocol }) => `${name}/${protocol}`)).size, services.length);
});

const SOURCE = `
import { getServiceByName } from ${JSON.stringify(new URL("../../server/names.ts", import.meta.url).href)};
console.log(getServiceByName("https"), getServiceByName("redis"));
`;

Deno.test("getServiceByName() needs no permission, and asks for none", async () => {
  const { code, output, errors } = await run(Deno.execPath(), ["run", "--quiet", "--no-prompt", "-"], SOURCE);
  assertEquals({ code, output, errors }, { code: 0, output: "443 6379\n", errors: "" });
});

const PYTHON_SERVICES = `
import json, socket
names = ["ftp", "ssh", "smtp", "domain", "http", "pop3", "https"]
ports = [21, 22, 23, 25, 53, 80, 443]
print(json.dumps([[socket.getservbyname(n, "tcp") for n in names], [socket.getservbyport(p, "tcp") for p in ports]]))
`;

Deno.test({
  name: "getServiceByName() and getServiceByPort() say what Python's getservbyname and getservbyport say",
  ignore: !isInstalled("python3"),
  async fn() {
    const [ports, names] = JSON.parse(await python(PYTHON_SERVICES));
    const asked = ["ftp", "ssh", "smtp", "domain", "http", "pop3", "https"];
    assertEquals(asked.map((name) => getServiceByName(name, "tcp")), ports);
    assertEquals([21, 22, 23, 25, 53, 80, 443].map((port) => getServiceByPort(port, "tcp")), names);
  },
});

Deno.test("getHostByName() finds the loopback address of localhost", async () => {
  assertEquals(await getHostByName("localhost"), {
    hostname: "localhost",
    aliases: [],
    addresses: ["127.0.0.1"],
  });
});

Deno.test("getHostByName() gives an address back as its own name", async () => {
  assertEquals(await getHostByName("127.0.0.2"), {
    hostname: "127.0.0.2",
    aliases: [],
    addresses: ["127.0.0.2"],
  });
});

Deno.test("getHostByAddress() knows a name of the loopback address", async () => {
  const { hostname, aliases, addresses } = await getHostByAddress("127.0.0.1");
  assertEquals([[hostname, ...aliases].includes("localhost"), addresses], [true, ["127.0.0.1"]]);
});

Deno.test("getHostByAddress() refuses a host name", async () => {
  await assertRejects(() => getHostByAddress("localhost"), TypeError, '"localhost"');
});
