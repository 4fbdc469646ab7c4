import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { Admission, type AdmissionOptions, type Permit } from "../../mod.ts";
import { PeerRates, TokenBucket } from "../../server/admission.ts";
import { Random } from "../_support/random.ts";

function peer(hostname: string): Deno.NetAddr {
  return { transport: "tcp", hostname, port: 1 };
}

const unixPeer: Deno.UnixAddr = { transport: "unix", path: null as unknown as string };

/** Whether peers are let in, in the order of asking: `true`, or the reason why not. */
function verdicts(options: AdmissionOptions, ...hostnames: string[]): (true | string)[] {
  const admission = new Admission(options);
  return hostnames.map((hostname) => {
    const permit = admission.admit(peer(hostname));
    return typeof permit === "string" ? permit : true;
  });
}

function granted(permit: Permit | string): Permit {
  assertInstanceOf(permit, Object);
  return permit as Permit;
}

Deno.test("Admission counts what it lets in, and a permit that is disposed of twice comes back once", () => {
  const admission = new Admission({ maxConnections: 2 });
  const first = granted(admission.admit(peer("192.0.2.1")));
  granted(admission.admit(peer("192.0.2.1")));
  assert(!admission.hasRoom);
  assertEquals(admission.admit(peer("192.0.2.1")), "full");
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  assertEquals(admission.active, 1);
  assert(admission.hasRoom);
});

Deno.test("Admission.onRelease() calls back for every permit that comes back, until it is ended", () => {
  const admission = new Admission();
  let calls = 0;
  const forget = admission.onRelease(() => calls++);
  granted(admission.admit(unixPeer))[Symbol.dispose]();
  assertEquals(calls, 1);
  forget();
  granted(admission.admit(unixPeer))[Symbol.dispose]();
  assertEquals(calls, 1);
});

Deno.test("Admission allows and denies networks: IPv4, IPv6, IPv4-mapped, single addresses, zones", () => {
  const rules: [AdmissionOptions, string, boolean][] = [
    [{ allow: ["192.0.2.0/24"] }, "192.0.2.255", true],
    [{ allow: ["192.0.2.0/24"] }, "192.0.3.0", false],
    [{ allow: ["192.0.2.0/24"] }, "::ffff:192.0.2.1", true],
    [{ allow: ["192.0.2.0/24"] }, "::ffff:c000:201", true],
    [{ allow: ["192.0.2.0/24"] }, "::1", false],
    [{ allow: ["::ffff:192.0.2.0/120"] }, "192.0.2.7", true],
    [{ allow: ["::ffff:0:0/96"] }, "203.0.113.1", true],
    [{ allow: ["192.0.2.7"] }, "192.0.2.7", true],
    [{ allow: ["192.0.2.7"] }, "192.0.2.8", false],
    [{ allow: ["192.0.2.7/24"] }, "192.0.2.8", true],
    [{ allow: ["0.0.0.0/0"] }, "203.0.113.1", true],
    [{ allow: ["0.0.0.0/0"] }, "::1", false],
    [{ allow: ["::/0"] }, "2001:db8::1", true],
    [{ allow: ["2001:db8::/32"] }, "2001:db8:ffff::1", true],
    [{ allow: ["2001:db8::/32"] }, "2001:db9::1", false],
    [{ allow: ["2001:db8::/33"] }, "2001:db8:8000::1", false],
    [{ allow: ["2001:DB8::1"] }, "2001:db8::1", true],
    [{ allow: ["fe80::/10"] }, "fe80::1%eth0", true],
    [{ deny: ["192.0.2.0/24"] }, "192.0.2.1", false],
    [{ deny: ["192.0.2.0/24"] }, "::ffff:192.0.2.1", false],
    [{ deny: ["192.0.2.0/24"] }, "198.51.100.1", true],
    [{ deny: ["::/0"] }, "192.0.2.1", true],
    [{ allow: ["192.0.2.0/24"], deny: ["192.0.2.7"] }, "192.0.2.7", false],
    [{ allow: ["192.0.2.0/24"], deny: ["192.0.2.7"] }, "192.0.2.8", true],
    [{ allow: [], deny: [] }, "192.0.2.1", true],
  ];
  for (const [rule, hostname, expected] of rules) {
    assertEquals(verdicts(rule, hostname), [expected || "denied"], `${JSON.stringify(rule)} ${hostname}`);
  }
});

Deno.test("Admission's networks agree with arithmetic on random addresses", () => {
  const random = new Random(7);
  const address = (groups: number, size: number): bigint => {
    let number = 0n;
    for (let n = 0; n < groups; n++) number = number << BigInt(size) | BigInt(random.below(2 ** size));
    return number;
  };
  const written = {
    4: (number: bigint) => [24n, 16n, 8n, 0n].map((by) => number >> by & 255n).join("."),
    6: (number: bigint) =>
      [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((by) => (number >> by & 65535n).toString(16)).join(":"),
  };
  for (let n = 0; n < 400; n++) {
    const version = random.pick([4, 6] as const);
    const width = version === 4 ? 32 : 128;
    const bits = random.below(width + 1);
    const network = version === 4 ? address(4, 8) : address(8, 16);
    const flipped = BigInt(random.below(width)); // one bit differs, inside or outside the prefix
    const other = network ^ 1n << flipped;
    const cidr = `${written[version](network)}/${bits}`;
    const inside = Number(flipped) < width - bits;
    assertEquals(verdicts({ allow: [cidr] }, written[version](network)), [true], cidr);
    assertEquals(
      verdicts({ allow: [cidr] }, written[version](other)),
      [inside || "denied"],
      `${cidr} ${written[version](other)}`,
    );
  }
});

Deno.test("Admission lists say nothing about Unix peers: the file's mode does", () => {
  const admission = new Admission({
    allow: ["192.0.2.0/24"],
    maxConnectionsPerPeer: 1,
    maxConnectionRatePerPeer: 1,
  });
  for (let n = 0; n < 3; n++) granted(admission.admit(unixPeer));
});

Deno.test("Admission refuses a list that it cannot read, and names the entry", () => {
  const wrong = [
    "",
    "localhost",
    "192.0.2.0/33",
    "192.0.2.0/-1",
    "192.0.2/24",
    "::1/129",
    "1.2.3.4/",
    "::ffff:1.2.3.4/64",
    " ::1",
  ];
  for (const network of wrong) {
    const error = assertThrows(() => new Admission({ deny: [network] }), RangeError);
    assert(error.message.includes(`"${network}"`), error.message);
  }
});

Deno.test("Admission refuses limits that are none, and takes undefined for the default", () => {
  for (
    const options of [{ maxConnections: 0 }, { maxConnectionRate: -1 }, { allow: "10.0.0.0/8" as never }]
  ) {
    const error = assertThrows(() => new Admission(options), RangeError);
    assert(error.message.includes(Object.keys(options)[0]), error.message);
  }
  const admission = new Admission({
    maxConnections: undefined,
    maxConnectionsPerPeer: undefined,
    maxConnectionRate: undefined,
    maxConnectionRatePerPeer: undefined,
    allow: undefined,
    deny: undefined,
  });
  for (let n = 0; n < 100; n++) granted(admission.admit(peer("192.0.2.1")));
});

Deno.test("Admission limits each peer: one IPv4 address, mapped or not, or one IPv6 /64", () => {
  assertEquals(
    verdicts({ maxConnectionsPerPeer: 1 }, "192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
    [true, "peer-limit", true],
  );
  assertEquals(
    verdicts(
      { maxConnectionsPerPeer: 1 },
      "2001:db8::1",
      "2001:db8::2",
      "2001:db8:0:0:8000::1",
      "2001:db8:0:1::1",
    ),
    [true, "peer-limit", "peer-limit", true],
  );
  const admission = new Admission({ maxConnectionsPerPeer: 1 });
  const permit = granted(admission.admit(peer("192.0.2.1")));
  permit[Symbol.dispose]();
  granted(admission.admit(peer("192.0.2.1")));
});

Deno.test("Admission limits the rate of all and of each peer, and who is denied uses up nobody's", () => {
  assertEquals(verdicts({ maxConnectionRate: 2 }, "192.0.2.1", "192.0.2.2", "192.0.2.3"), [
    true,
    true,
    "rate",
  ]);
  assertEquals(
    verdicts({ maxConnectionRatePerPeer: 1 }, "192.0.2.1", "192.0.2.1", "192.0.2.2"),
    [true, "peer-rate", true],
  );
  assertEquals(
    verdicts(
      { maxConnectionRate: 1, deny: ["192.0.2.1"] },
      "192.0.2.1",
      "192.0.2.1",
      "192.0.2.2",
      "192.0.2.3",
    ),
    ["denied", "denied", true, "rate"],
  );
});

Deno.test("Admission that turns a peer away for its own rate does not use up the rate of all", () => {
  const options = { maxConnectionRate: 2, maxConnectionRatePerPeer: 1 };
  assertEquals(verdicts(options, "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"), [
    true,
    "peer-rate",
    "peer-rate",
    true,
  ]);
});

Deno.test("TokenBucket lets through its rate per second, saved up for one second at most", () => {
  const bucket = new TokenBucket(10, 0);
  const taken = (now: number): number => {
    let n = 0;
    while (bucket.take(now)) n++;
    return n;
  };
  assertEquals(taken(0), 10);
  assertEquals(taken(99), 0);
  assertEquals(taken(100), 1);
  assertEquals(taken(600), 5);
  assertEquals(taken(60_000), 10);
  assert(!bucket.isFull(60_500));
  assert(bucket.isFull(61_000));
});

Deno.test("TokenBucket with a rate below one a second lets one through after that time", () => {
  const bucket = new TokenBucket(0.5, 0);
  assert(bucket.take(0));
  assert(!bucket.take(1_999));
  assert(bucket.take(2_000));
  assert(!bucket.take(2_001));
});

Deno.test("PeerRates remembers a bounded number of peers, however many come", () => {
  const rates = new PeerRates(1);
  for (let n = 0; n < 100_000; n++) assert(rates.take(`192.0.2.${n}`));
  assert(rates.size <= 16_384, `${rates.size}`);
  assert(!rates.take("192.0.2.99999"), "the latest is remembered");
});
