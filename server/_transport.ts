/**
 * What a connection stands on: bytes in, bytes out, and two addresses.
 *
 * A `Deno.Conn` is one as it is, and plain TCP and Unix connections use it directly: that is the fast path. The other
 * transports (TLS over an accepted connection, a socket handed over by another process, a pair of streams) are small
 * classes of this shape.
 *
 * @module
 */

/** What the two sides of a TLS connection have agreed on. */
export interface TlsInfo {
  /** The protocol chosen by ALPN (RFC 7301), for example `"h2"`; none if one side did not ask. */
  readonly alpnProtocol?: string;
  /** The host name that the client asked for (SNI, RFC 6066); none over `engine: "native"`, which does not tell. */
  readonly serverName?: string;
  /** `"TLSv1.3"` or `"TLSv1.2"`; none over `engine: "native"`. */
  readonly protocol?: string;
  /** The cipher suite by its IANA name, for example `"TLS_AES_256_GCM_SHA384"`; none over `engine: "native"`. */
  readonly cipher?: string;
}

/** A two-way stream of bytes. Every method means what it means on a `Deno.Conn`. */
export interface Transport {
  /** Reads at most `p.length` bytes into `p`; resolves to how many, or to `null` at the end. One read at a time. */
  read(p: Uint8Array): Promise<number | null>;
  /** Writes at most `p.length` bytes; resolves to how many, at least one. One write at a time. */
  write(p: Uint8Array): Promise<number>;
  /** Ends the writing half: the peer reads the end. */
  closeWrite(): Promise<void>;
  /** Frees the descriptor now; a pending read or write rejects. */
  close(): void;
  /** This side's address. */
  readonly localAddr: Deno.Addr;
  /** The peer's address. */
  readonly remoteAddr: Deno.Addr;
  /** What the TLS handshake has agreed on, where there was one. */
  readonly tls?: TlsInfo;
  /** Turns Nagle's algorithm off or on, where there is one. */
  setNoDelay?(noDelay?: boolean): void;
  /** Turns TCP keep-alive probes on or off, where there are such. */
  setKeepAlive?(keepAlive?: boolean): void;
  /** Lets a pending operation keep the process alive. */
  ref?(): void;
  /** Lets the process end in spite of a pending operation. */
  unref?(): void;
}
