/**
 * The environment of a child process.
 *
 * @module
 */
import { missingPermissions, type Permissions } from "../permissions.ts";

/**
 * What starting a child asks for: `node:child_process` looks at the last of them whatever it is given, and by the others Deno finds
 * its cache.
 */
export const NEEDED: readonly string[] = ["DENO_DIR", "HOME", "NODE_V8_COVERAGE"];

/** What else is handed on where it may be read: what Deno and the system look at themselves. */
const USUAL: readonly string[] = [
  ...NEEDED,
  ...["PATH", "TMPDIR", "LANG", "LC_ALL", "TZ", "NO_COLOR", "XDG_CACHE_HOME"],
  ...["USERPROFILE", "LOCALAPPDATA", "SystemRoot", "TEMP", "TMP"], // Windows
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"],
  ...["DENO_AUTH_TOKENS", "DENO_CERT", "DENO_TLS_CA_STORE", "JSR_URL", "NPM_CONFIG_REGISTRY"],
];

/** The system's loader obeys these: Deno hands them on only where everything may be run. */
const LOADERS = /^(LD|DYLD)_/;

/**
 * The variables that a child is started with: all, where this process may read all, otherwise the usual ones and `wanted` as far
 * as it may. What the child may read of them is another question.
 */
export function childEnvironment(wanted: Permissions["env"] = []): Record<string, string> {
  const names = isWhole("env") ? Object.keys(process.env) : [...USUAL, ...wanted === true ? [] : wanted];
  const environment: Record<string, string> = {};
  for (const name of isWhole("run") ? names : names.filter((name) => !LOADERS.test(name))) {
    if (missingPermissions({ env: [name] }).env) continue;
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

function isWhole(kind: "env" | "run"): boolean {
  return !missingPermissions({ [kind]: true }, { whole: true })[kind];
}
