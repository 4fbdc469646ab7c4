/**
 * A certificate and its key, found to be of use before anybody connects.
 *
 * @module
 */
import type { SecureContext } from "node:tls";
import { socketError } from "./_bind_error.ts";

/** PEM text, or where to find it. */
export interface KeyPairSource {
  /** The certificate, or its file. */
  cert: string | URL;
  /** The private key, or its file. */
  key: string | URL;
}

/** A certificate and its key as PEM text. */
export interface KeyPair {
  /** The certificate, and the chain behind it. */
  cert: string;
  /** The private key. */
  key: string;
}

/**
 * Reads and checks both.
 *
 * @throws {Deno.errors.NotFound} and whatever else the system says to a file, with its path and what it was to hold
 * @throws {Deno.errors.InvalidData} if one is not PEM, or they do not belong together; the message names which
 */
export async function loadKeyPair(source: KeyPairSource): Promise<KeyPair> {
  const cert = await readPem(source.cert, "certificate");
  const key = await readPem(source.key, "key");
  check(cert, key, source);
  return { cert, key };
}

/**
 * What `node:tls` makes of the pair.
 *
 * @throws {Deno.errors.InvalidData} if it makes nothing of it
 */
export async function secureContext(pair: KeyPair, source: KeyPairSource): Promise<SecureContext> {
  try {
    const context = process.getBuiltinModule("node:tls").createSecureContext(pair);
    await tryOut(context);
    return context;
  } catch (cause) {
    throw invalid(
      `Cannot serve TLS with ${nameOf(source.cert, "certificate")}`,
      (cause as Error).message,
      cause,
    );
  }
}

async function readPem(source: string | URL, what: string): Promise<string> {
  if (isText(source)) return source;
  try {
    return await Deno.readTextFile(source);
  } catch (error) {
    throw socketError(error, `read the ${what} "${pathOf(source)}"`, { read: [pathOf(source)] });
  }
}

function isText(source: string | URL): source is string {
  return typeof source === "string" && source.includes("-----BEGIN");
}

function check(cert: string, key: string, source: KeyPairSource): void {
  const { X509Certificate, createPrivateKey } = process.getBuiltinModule("node:crypto");
  const certName = nameOf(source.cert, "certificate");
  const keyName = nameOf(source.key, "key");
  const first = parse(certName, "PEM certificate", () => new X509Certificate(block(cert, "CERTIFICATE")));
  if (/BEGIN ENCRYPTED|,ENCRYPTED/.test(key)) {
    throw invalid(`Cannot use ${keyName}`, "it is encrypted; give it decrypted");
  }
  const own = parse(
    keyName,
    "PEM private key",
    () => createPrivateKey(block(key, "(?:[A-Z]+ )?PRIVATE KEY")),
  );
  if (!first.checkPrivateKey(own)) throw invalid(`Cannot use ${keyName}`, `it is not the key of ${certName}`);
}

/** The first block with this label: a file may hold certificate and key. */
function block(pem: string, label: string): string {
  const found = new RegExp(`-----BEGIN (${label})-----[^-]*-----END \\1-----`).exec(pem);
  if (!found) throw new TypeError("there is no such block");
  return found[0];
}

function parse<R>(name: string, what: string, read: () => R): R {
  try {
    return read();
  } catch (cause) {
    throw invalid(`Cannot use ${name}`, `there is no readable ${what} in it`, cause);
  }
}

/** Some keys are fine but not to be had with TLS; `node:tls` says so when the first client comes. */
function tryOut(secureContext: SecureContext): Promise<void> {
  const { TLSSocket } = process.getBuiltinModule("node:tls");
  const { Duplex } = process.getBuiltinModule("node:stream");
  const socket = new TLSSocket(new Duplex({ read() {} }), { isServer: true, secureContext });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once("error", () => reject(new TypeError("keys of its kind cannot be used with TLS")));
  const timer = setTimeout(resolve, 0);
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}

function nameOf(source: string | URL, what: string): string {
  return isText(source) ? `the ${what} given as text` : `the ${what} "${pathOf(source)}"`;
}

function pathOf(source: string | URL): string {
  return source instanceof URL && source.protocol === "file:"
    ? decodeURIComponent(source.pathname)
    : `${source}`;
}

function invalid(attempt: string, reason: string, cause?: unknown): Error {
  return new Deno.errors.InvalidData(`${attempt}: ${reason}`, { cause });
}
