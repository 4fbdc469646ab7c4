// A small DNS server for the names below, over UDP and, for answers that are too long for that, over TCP.
//
//   deno run --allow-net=127.0.0.1 examples/dns_responder.ts
//   dig @127.0.0.1 -p 8053 www.example.test
// deno-lint-ignore-file no-import-prefix -- its parser is this example's alone
import { Buffer } from "node:buffer";
import { type Datagram, formatAddr, serve, type StreamHandler } from "@switchboard/kit";
import { lengthPrefixed } from "@switchboard/kit/framing";
// @ts-types="npm:@types/dns-packet@^5.6.5"
import dnsPacket, { type Answer, type DecodedPacket, type Packet } from "npm:dns-packet@^5.6.1";
import { portFromArgs } from "./_port.ts";

const { AUTHORITATIVE_ANSWER, TRUNCATED_RESPONSE } = dnsPacket;
const ZONE = "example.test";
const RECORDS: Answer[] = [
  { name: ZONE, type: "A", ttl: 60, data: "192.0.2.1" },
  { name: `www.${ZONE}`, type: "CNAME", ttl: 60, data: ZONE },
  { name: ZONE, type: "AAAA", ttl: 60, data: "2001:db8::1" },
  { name: ZONE, type: "MX", ttl: 60, data: { preference: 10, exchange: `mail.${ZONE}` } },
  { name: `mail.${ZONE}`, type: "A", ttl: 60, data: "192.0.2.2" },
  { name: `long.${ZONE}`, type: "TXT", ttl: 60, data: new Array<string>(5).fill("x".repeat(200)) },
];
const SOA: Answer = {
  name: ZONE,
  type: "SOA",
  ttl: 60,
  data: {
    mname: `ns.${ZONE}`,
    rname: `admin.${ZONE}`,
    serial: 1,
    refresh: 3600,
    retry: 600,
    expire: 86_400,
    minimum: 60,
  },
};

/** What a resolver without EDNS takes over UDP, RFC 1035. */
const SHORTEST_LIMIT = 512;
/** What this server sends at most over UDP: more would be split on its way, and make it a lever for forged questions. */
const LONGEST_LIMIT = 1_232;

/** The bits that an answer repeats: what kind of question it was, and whether recursion was wanted. */
const COPIED = 0x7900;
const [FORMERR, NXDOMAIN, NOTIMP, REFUSED] = [1, 3, 4, 5];

/** A question; the types do not know all that is decoded. */
type Query = DecodedPacket & { opcode?: string };

/** The answer to a question, or `undefined` where nothing is to be said. */
function answer(question: Uint8Array): { query: Query; reply: Packet } | undefined {
  let query: Query;
  try {
    query = dnsPacket.decode(Buffer.from(question));
  } catch {
    return undefined; // not DNS, or not whole: there is no telling what was asked
  }
  if (query.type === "response") return undefined; // two servers must not talk to each other
  const { id, questions } = query;
  const { flags, ...rest } = resolve(query);
  return {
    query,
    reply: { type: "response", id, questions, ...rest, flags: flags | (query.flags! & COPIED) },
  };
}

function resolve(query: Query): Packet & { flags: number } {
  const [question, ...more] = query.questions ?? [];
  if (query.opcode !== "QUERY") return { flags: NOTIMP };
  if (!question || more.length > 0) return { flags: FORMERR };
  const name = question.name.toLowerCase();
  if (name !== ZONE && !name.endsWith(`.${ZONE}`)) return { flags: REFUSED };
  const known = RECORDS.filter((record) => record.name === name);
  if (known.length === 0) return { flags: AUTHORITATIVE_ANSWER | NXDOMAIN, authorities: [SOA] };
  const answers = known.flatMap((record) => follow(record, question.type));
  return { flags: AUTHORITATIVE_ANSWER, answers, ...answers.length === 0 && { authorities: [SOA] } };
}

/** A record, if it is of the type that was asked for; an alias with what it stands for. */
function follow(record: Answer, type: string): Answer[] {
  if (record.type === type) return [record];
  if (record.type !== "CNAME") return [];
  return [record, ...RECORDS.filter(({ name, type: other }) => name === record.data && other === type)];
}

async function datagram(packet: Datagram): Promise<void> {
  const found = answer(packet.data);
  if (!found) return;
  const { query, reply } = found;
  const edns = query.additionals?.find(({ type }) => type === "OPT") as
    | { udpPayloadSize?: number }
    | undefined;
  const limit = Math.min(LONGEST_LIMIT, Math.max(SHORTEST_LIMIT, edns?.udpPayloadSize ?? 0));
  const bytes = dnsPacket.encode(reply);
  if (bytes.length <= limit) return await packet.reply(bytes);
  await packet.reply(dnsPacket.encode({ ...reply, flags: reply.flags! | TRUNCATED_RESPONSE, answers: [] }));
}

const framing = lengthPrefixed({ prefix: 2 });

const stream: StreamHandler = async (conn) => {
  for await (const question of framing.decode(conn)) {
    const found = answer(question);
    if (!found) return;
    await conn.sendAll(framing.encode(dnsPacket.encode(found.reply)));
  }
};

const limits = {
  maxPacketRatePerPeer: 100,
  maxPacketSize: 4_096,
  idleTimeout: 10_000,
  maxConnectionsPerPeer: 10,
};
// TCP first: a port of the system's choice that is free for TCP is hardly ever taken for UDP; many clients hold the other kind.
await using tcp = await serve({ ...limits, listen: `tcp://127.0.0.1:${portFromArgs(8053)}` }, { stream });
const { port } = tcp.addr as Deno.NetAddr;
await using udp = await serve({ ...limits, listen: `udp://127.0.0.1:${port}` }, { datagram });
for (const { addr } of [udp, tcp]) console.log(`listening on ${formatAddr(addr)}`);
Deno.addSignalListener("SIGINT", () => void Promise.all([udp.shutdown(), tcp.shutdown()]));
await Promise.all([udp.finished, tcp.finished]);
