/**
 * What a server and its workers say to each other.
 *
 * @module
 */
import type { CloseReason } from "../errors.ts";
import type { ErrorPhase, RefusalReason } from "../observer.ts";
import type { SettingValues } from "../settings.ts";
import type { TlsInfo } from "../_transport.ts";
import type { PackedError } from "./_remote_error.ts";

/** A handler module, as it travels. */
export interface HandlerReference {
  /** A URL, or the name of a shipped handler. */
  readonly specifier: string;
  /** Where it can be loaded from, where the specifier is a name. */
  readonly url?: string;
  /** What it was told. */
  readonly values?: SettingValues;
}

/** How a worker comes by its connections: it accepts them, or the server gives them. */
export type Intake = "load-balanced" | "reuse-port" | "given";

/** What a worker is to be. */
export interface Assignment {
  readonly handler: HandlerReference;
  readonly kind: "stream" | "datagram";
  /** `"tls"` where this worker does the handshakes. */
  readonly scheme: string;
  readonly intake: Intake;
  readonly hostname: string;
  readonly port: number;
  /** The options of its server. */
  readonly options: object;
  /** Whether clients beyond the limit are turned away rather than kept waiting. */
  readonly refuses: boolean;
  /** Whether the server wants to be asked for each peer. */
  readonly asksForPeers: boolean;
}

/** A connection that is given to a worker. */
export interface Given {
  readonly id: number;
  readonly remoteAddr: Deno.Addr;
  readonly localAddr: Deno.Addr;
  readonly tls?: TlsInfo;
}

/** What a server says. */
export type Order =
  | { do: "begin"; assignment: Assignment }
  | { do: "pause"; paused: boolean }
  | { do: "ping" }
  | { do: "sync" }
  | { do: "drain" }
  | { do: "retire"; sweep: boolean }
  | { do: "close"; reason: CloseReason }
  | { do: "leave" }
  | { do: "disconnect"; id: number }
  // places, for workers that accept
  | { do: "grant"; sought: boolean }
  | { do: "deny" }
  | { do: "recall" }
  | { do: "verdict"; ask: number; refusal?: RefusalReason }
  // connections that are given
  | { do: "take"; given: Given; relayed: boolean }
  | { do: "wind-down"; id: number }
  | { do: "cut"; id: number; reason: CloseReason }
  // relayed bytes
  | { do: "bytes"; id: number; chunk: Uint8Array }
  | { do: "end"; id: number }
  | { do: "fail"; id: number; error: PackedError }
  | { do: "wrote"; id: number; error?: PackedError }
  // packets
  | { do: "packet"; id: number; data: Uint8Array; truncated: boolean; remoteAddr: Deno.Addr }
  | { do: "sent"; seq: number; error?: PackedError };

/** How a connection ended in a worker. */
export interface Report {
  readonly id: number;
  readonly reason: CloseReason;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly error?: PackedError;
  /** It was turned away, rather than served. */
  readonly refusal?: RefusalReason;
}

/** What happened in a worker that accepts. */
export type Event =
  | { is: "opened"; id: number; remoteAddr: Deno.Addr; localAddr: Deno.Addr; openedAt: number }
  | { is: "closed"; report: Report }
  | { is: "refused"; remoteAddr: Deno.Addr; reason: RefusalReason; error?: PackedError }
  | { is: "accept-failed"; error: PackedError; kind: "peer" | "resources" | "unknown"; delay: number };

/** What a worker says. */
export type Word =
  | { say: "ready"; addr?: Deno.Addr }
  | { say: "unable"; error: PackedError }
  | { say: "uncaught"; error: PackedError }
  | { say: "synced" }
  | { say: "pong"; bytes: Float64Array }
  | { say: "events"; events: Event[] }
  | { say: "error"; error: PackedError; phase: ErrorPhase; id?: number; remoteAddr?: Deno.Addr }
  | { say: "silent" }
  | { say: "finished" }
  | { say: "done"; report: Report }
  // places
  | { say: "want"; urgent: boolean }
  | { say: "return"; places: number }
  | { say: "ask"; ask: number; addr: Deno.Addr }
  | { say: "left"; addr: Deno.Addr }
  // relayed bytes
  | { say: "taken"; id: number; count: number }
  | { say: "write"; id: number; chunk: Uint8Array }
  | { say: "end"; id: number }
  // packets
  | { say: "send"; seq: number; data: Uint8Array; to: Deno.Addr; answers?: number }
  | { say: "handled"; id: number; error?: PackedError; refused?: boolean };

/** A port that a thread is sent before anything else: it closes when the thread ends, and not when it was told to. */
export interface Lifeline {
  readonly lifeline: MessagePort;
}

/** The other side, as each of the two sees it. */
export interface Link<Out, In> {
  /** Says something; a socket goes along where the link can carry one. */
  send(message: Out, socket?: unknown): void;
  /** Called with what the other side says. */
  onMessage: (message: In, socket?: unknown) => void;
}
