import { assert, assertEquals, assertMatch } from "@std/assert";
import { RedisStore } from "../../examples/_redis_store.ts";
import { Session } from "../../examples/_resp.ts";
import { randomBytes } from "../_support/random_bytes.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** What a new server answers to bytes that come in one piece. */
function answer(request: string | Uint8Array, session = new Session(new RedisStore())): string {
  return decoder.decode(session.receive(typeof request === "string" ? encoder.encode(request) : request));
}

function command(...words: string[]): string {
  return `*${words.length}\r\n${
    words.map((word) => `$${encoder.encode(word).length}\r\n${word}\r\n`).join("")
  }`;
}

const DIALOGUES: Record<string, [requests: string[][], replies: string]> = {
  "answers PING": [[["PING"], ["ping", "hello"]], "+PONG\r\n$5\r\nhello\r\n"],
  "keeps what is SET": [[["SET", "a", "1"], ["GET", "a"], ["get", "b"]], "+OK\r\n$1\r\n1\r\n$-1\r\n"],
  "replaces a value": [[["SET", "a", "1"], ["SET", "a", ""], ["GET", "a"]], "+OK\r\n+OK\r\n$0\r\n\r\n"],
  "counts what DEL removes": [
    [["SET", "a", "1"], ["DEL", "a", "b", "a"], ["EXISTS", "a"]],
    "+OK\r\n:1\r\n:0\r\n",
  ],
  "counts up from nothing": [[["INCR", "n"], ["INCR", "n"], ["GET", "n"]], ":1\r\n:2\r\n$1\r\n2\r\n"],
  "refuses to count text": [
    [["SET", "a", "x"], ["INCR", "a"]],
    "+OK\r\n-ERR value is not an integer or out of range\r\n",
  ],
  "forgets an expired key": [
    [["SET", "a", "1"], ["EXPIRE", "a", "-1"], ["GET", "a"], ["EXPIRE", "a", "9"]],
    "+OK\r\n:1\r\n$-1\r\n:0\r\n",
  ],
  "knows how long a key lives": [
    [["SET", "a", "1"], ["TTL", "a"], ["EXPIRE", "a", "100"], ["TTL", "a"], ["TTL", "b"]],
    "+OK\r\n:-1\r\n:1\r\n:100\r\n:-2\r\n",
  ],
  "lets SET end an expiry": [
    [["SET", "a", "1"], ["EXPIRE", "a", "100"], ["SET", "a", "2"], ["TTL", "a"]],
    "+OK\r\n:1\r\n+OK\r\n:-1\r\n",
  ],
  "names an unknown command": [
    [["FLY"], ["__proto__"]],
    "-ERR unknown command 'FLY'\r\n-ERR unknown command '__proto__'\r\n",
  ],
  "says when arguments are missing": [
    [["GET"], ["SET", "a"]],
    "-ERR wrong number of arguments for 'get' command\r\n-ERR wrong number of arguments for 'set' command\r\n",
  ],
};

for (const [what, [requests, replies]] of Object.entries(DIALOGUES)) {
  Deno.test(`the Redis session ${what}`, () => {
    assertEquals(answer(requests.map((words) => command(...words)).join("")), replies);
  });
}

Deno.test("the Redis session reads inline commands, with any number of spaces and either end of line", () => {
  assertEquals(answer("PING\r\nset  a 1 \n\r\nget a\r\n"), "+PONG\r\n+OK\r\n$1\r\n1\r\n");
});

Deno.test("the Redis session keeps any bytes as key and value", () => {
  const bytes = randomBytes(1, 256);
  const bulk = [...encoder.encode("$256\r\n"), ...bytes, 13, 10];
  const set = new Uint8Array([...encoder.encode("*3\r\n$3\r\nSET\r\n"), ...bulk, ...bulk]);
  const get = new Uint8Array([...encoder.encode("*2\r\n$3\r\nGET\r\n"), ...bulk]);
  const session = new Session(new RedisStore());
  assertEquals(answer(set, session), "+OK\r\n");
  assertEquals([...session.receive(get)].slice(6, -2), [...bytes]);
});

Deno.test("the Redis session gives the same replies wherever the requests are cut", () => {
  const requests = encoder.encode(
    command("SET", "key", "value") + "PING\r\n" + command("GET", "key") + command("INCR", "n"),
  );
  const whole = answer(requests);
  for (let cut = 1; cut < requests.length; cut++) {
    const session = new Session(new RedisStore());
    assertEquals(answer(requests.slice(0, cut), session) + answer(requests.slice(cut), session), whole);
  }
  const bytewise = new Session(new RedisStore());
  assertEquals(Array.from(requests, (byte) => answer(new Uint8Array([byte]), bytewise)).join(""), whole);
});

Deno.test("the Redis session does not look again at bytes that its caller has overwritten", () => {
  const session = new Session(new RedisStore());
  const request = encoder.encode(command("PING", "hello"));
  const buffer = request.slice(0, 10);
  answer(buffer, session);
  buffer.fill(0);
  assertEquals(answer(request.slice(10), session), "$5\r\nhello\r\n");
});

const BROKEN = [
  "*x\r\n",
  "*1\r\nPING\r\n",
  "*1\r\n$x\r\n",
  "*1\r\n$-1\r\n",
  "*2000\r\n",
  "*1\r\n$99999999\r\n",
  "*1\n",
];

for (const request of BROKEN) {
  Deno.test(`the Redis session answers ${JSON.stringify(request)} with a protocol error, and is over`, () => {
    const session = new Session(new RedisStore());
    assertMatch(answer(request, session), /^-ERR Protocol error: [^\r\n]+\r\n$/);
    assert(session.over);
  });
}

Deno.test("the Redis session gives up a request of many arguments that grows beyond 16 MiB", () => {
  const session = new Session(new RedisStore());
  answer("*1000\r\n", session);
  const argument = new Uint8Array([...encoder.encode("$1000000\r\n"), ...new Uint8Array(1_000_000), 13, 10]);
  let sent = 0;
  let reply = "";
  for (; reply === "" && sent < 100; sent++) reply = answer(argument, session);
  assertMatch(reply, /too big request/);
  assertEquals(sent, 17);
});

Deno.test("the Redis session runs nothing behind QUIT", () => {
  const session = new Session(new RedisStore());
  assertEquals(answer("QUIT\r\nPING\r\n", session), "+OK\r\n");
  assert(session.over);
});

Deno.test("the Redis session survives ten thousand random inputs, each reply a whole one", () => {
  const alphabet = encoder.encode("*$-0123456789\r\n GETSPINGDLCRX\xff");
  for (let seed = 0; seed < 10_000; seed++) {
    const input = randomBytes(seed, 64).map((byte, i) =>
      i % 7 === 6 ? byte : alphabet[byte % alphabet.length]
    );
    const session = new Session(new RedisStore());
    const reply = answer(input.slice(0, 31), session) +
      (session.over ? "" : answer(input.slice(31), session));
    assert(
      reply === "" || /^([+:-][^\r\n]*\r\n|\$-1\r\n|\*\d+\r\n|\$\d+\r\n[^]*\r\n)+$/.test(reply),
      `seed ${seed}: ${reply}`,
    );
  }
});
