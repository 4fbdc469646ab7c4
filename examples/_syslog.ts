/**
 * Syslog messages: the two forms that are about, [RFC 5424](https://www.rfc-editor.org/rfc/rfc5424) and the older one
 * that [RFC 3164](https://www.rfc-editor.org/rfc/rfc3164) has written down.
 *
 * @module
 */

/** A message, as far as it could be understood. Nothing in it is to be trusted: see `printable`. */
export interface SyslogMessage {
  /** Which form it has. `"unknown"` is all text. */
  form: "rfc5424" | "rfc3164" | "unknown";
  /** What kind of program speaks. */
  facility: string;
  /** How bad it is. */
  severity: string;
  /** When, in the words of the message. */
  timestamp?: string;
  /** Which machine speaks. */
  hostname?: string;
  /** Which program speaks. */
  appName?: string;
  /** Its process. */
  procId?: string;
  /** What kind of message it is. */
  msgId?: string;
  /** Structured data by element and parameter. */
  data: Map<string, Map<string, string>>;
  /** The text. */
  text: string;
}

const FACILITIES = "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock"
  .split(" ");
const SEVERITIES = "emerg alert crit err warning notice info debug".split(" ");

const PRIORITY = /^<(\d{1,3})>/;
/** VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID, each as long as RFC 5424 lets it be. */
const HEADER_5424 = /^1 (-|[\dTZ:.+-]{20,32}) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) /;
const TIMESTAMP_3164 = /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d /;
/** A tag is up to 32 letters and digits, a process in brackets may follow, and then the text; real programs use more. */
const TAG_3164 = /^([^\s:[\]]{1,64})(?:\[([^\s\]]{1,64})\])?:(?: |$)/;
/** RFC 3164 takes a message without a priority for one of `user.notice`. */
const DEFAULT_PRIORITY = 13;

/**
 * Understands as much of a message as can be understood; never throws.
 *
 * @param text one message, without the end of its line if it has one
 */
export function parseSyslog(text: string): SyslogMessage {
  const priority = PRIORITY.exec(text);
  const number = priority ? Number(priority[1]) : DEFAULT_PRIORITY;
  const known = number <= 191;
  const rest = priority && known ? text.slice(priority[0].length) : text;
  const base = {
    facility: facilityName((known ? number : DEFAULT_PRIORITY) >> 3),
    severity: SEVERITIES[(known ? number : DEFAULT_PRIORITY) & 7],
    data: new Map<string, Map<string, string>>(),
  };
  return parse5424(rest, base) ?? parse3164(rest, base) ?? { ...base, form: "unknown", text: rest };
}

type Base = Pick<SyslogMessage, "facility" | "severity" | "data">;

function facilityName(number: number): string {
  return FACILITIES[number] ?? `local${number - 16}`;
}

function parse5424(text: string, base: Base): SyslogMessage | undefined {
  const header = HEADER_5424.exec(text);
  if (!header) return undefined;
  const structured = parseStructuredData(text.slice(header[0].length));
  if (!structured) return undefined;
  const [timestamp, hostname, appName, procId, msgId] = header.slice(1).map((field) =>
    field === "-" ? undefined : field
  );
  const { data, rest } = structured;
  const message = rest.replace(/^ /, "").replace(/^\uFEFF/, "");
  return { ...base, form: "rfc5424", timestamp, hostname, appName, procId, msgId, data, text: message };
}

/** `-`, or elements one after the other: `[id name="value" name="value"][id …]`. */
function parseStructuredData(text: string): { data: SyslogMessage["data"]; rest: string } | undefined {
  const data: SyslogMessage["data"] = new Map();
  if (text.startsWith("-")) return { data, rest: text.slice(1) };
  const element = /\[([^\s="\]]{1,32})((?: [^\s="\]]{1,32}="(?:[^"\\\]]|\\.)*")*)\]/sy;
  let end = 0;
  for (let match; (match = element.exec(text)); end = element.lastIndex) {
    const parameters = match[2].matchAll(/ ([^\s="\]]{1,32})="((?:[^"\\\]]|\\.)*)"/gs);
    data.set(match[1], new Map([...parameters].map(([, name, value]) => [name, unescape(value)])));
  }
  return end > 0 ? { data, rest: text.slice(end) } : undefined;
}

/** Only quote, backslash and bracket are escaped; a backslash before anything else stands for itself. */
function unescape(value: string): string {
  return value.replace(/\\(["\\\]])/g, "$1");
}

/** With a host name, as over a network, or without, as programs on the same machine write it. */
function parse3164(text: string, base: Base): SyslogMessage | undefined {
  const stamp = TIMESTAMP_3164.exec(text);
  if (!stamp) return undefined;
  let rest = text.slice(stamp[0].length);
  let tag = TAG_3164.exec(rest);
  let hostname: string | undefined;
  if (!tag) {
    hostname = /^([^\s:[\]]{1,255}|[\da-fA-F:.]{2,39}) /.exec(rest)?.[1];
    if (hostname) rest = rest.slice(hostname.length + 1);
    tag = TAG_3164.exec(rest);
  }
  return {
    ...base,
    form: "rfc3164",
    timestamp: stamp[0].trimEnd(),
    hostname,
    appName: tag?.[1],
    procId: tag?.[2],
    text: tag ? rest.slice(tag[0].length) : rest,
  };
}
