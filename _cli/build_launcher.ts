/**
 * One file with Deno inside: a launcher for `sh`, the Deno that runs this program, and the bundle.
 *
 * @module
 */
import type { Workshop } from "./build_output.ts";
import { grantFlags, type Plan } from "./build_plan.ts";
import { quoted } from "./terminal.ts";

/** What is packed begins here, whatever the launcher's length: it must know where. */
const HEADER = 8_192;

/**
 * Makes the file in the workshop.
 *
 * @returns its path
 */
export async function packWithDeno(
  plan: Plan,
  bundle: string,
  { folder, signal }: Workshop,
): Promise<string> {
  const file = `${folder}/launcher`;
  const deno = await part("deno", "", Deno.execPath());
  const program = await part(plan.name, ".js", bundle);
  await Deno.writeFile(file, header(deno, program, plan), { mode: 0o755, createNew: true });
  for (const source of [Deno.execPath(), bundle]) {
    using from = await Deno.open(source);
    using to = await Deno.open(file, { append: true });
    await from.readable.pipeTo(to.writable, { signal });
  }
  return file;
}

/** A file that is unpacked. */
interface Part {
  /** What it is called in the cache: what has another content has another name. */
  name: string;
  /** In bytes. */
  size: number;
  /** What `cksum` says of it: the one check that every shell has at hand. */
  checksum: string;
}

async function part(name: string, ending: string, file: string): Promise<Part> {
  const hash = process.getBuiltinModule("node:crypto").createHash("sha256");
  using source = await Deno.open(file);
  const { size } = await source.stat();
  for await (const chunk of source.readable) hash.update(chunk);
  return {
    name: `${name}-${hash.digest("hex").slice(0, 32)}${ending}`,
    size,
    checksum: await checksum(file),
  };
}

async function checksum(file: string): Promise<string> {
  const { stdout } = await new Deno.Command("cksum", { args: [file] }).output();
  return new TextDecoder().decode(stdout).split(" ", 2).join(" ");
}

function header(deno: Part, program: Part, plan: Plan): Uint8Array<ArrayBuffer> {
  const script = new TextEncoder().encode(launcher(deno, program, plan));
  if (script.length > HEADER) throw new Error("The permissions are too long for a launcher");
  const header = new Uint8Array(HEADER).fill("\n".charCodeAt(0));
  header.set(script);
  return header;
}

/**
 * What two first starts do at once, each does for itself; the renames come one after the other, and to the same. It
 * leaves by `exec` before the shell comes to what is packed behind it.
 */
function launcher(deno: Part, program: Part, plan: Plan): string {
  const flags = grantFlags(plan).map(quoted);
  // Threads begin in the same file; processes are Deno. A list after the flag for all would take its place.
  if (plan.permissions.read !== true) flags.push(`"--allow-read=$folder/"${quoted(program.name)}`);
  if (plan.startsProcesses && plan.permissions.run !== true) flags.push(`"--allow-run=$folder/${deno.name}"`);
  return `\
#!/bin/sh
# A server that brings its Deno along: both are unpacked once, into a cache. Made by switchboard build.
fail() {
  echo "error: $1" >&2
  exit 1
}
cache=\${XDG_CACHE_HOME:-\${HOME:+$HOME/.cache}}
[ "$cache" ] || fail "There is no cache to unpack into: set XDG_CACHE_HOME to a folder"
folder=$cache/switchboard

unpack() { # NAME FROM SIZE CHECKSUM
  [ -e "$folder/$1" ] && return
  mkdir -p "$folder" 2>/dev/null && file=$(mktemp "$folder/.$1.XXXXXX" 2>/dev/null) ||
    fail "Cannot write to $folder: set XDG_CACHE_HOME to a folder for $(($3 / 1000000 + 1)) MB"
  trap 'rm -f "$file"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  tail -c "+$2" "$0" 2>/dev/null | head -c "$3" >"$file" 2>/dev/null
  [ "$(cksum <"$file")" = "$4" ] || fail "Cannot unpack $0 into $folder: the disk is full, or the file is damaged"
  chmod 755 "$file" && mv -f "$file" "$folder/$1" || fail "Cannot unpack $0 into $folder"
  trap - EXIT INT TERM
}

unpack ${deno.name} ${HEADER + 1} ${deno.size} "${deno.checksum}"
unpack ${quoted(program.name)} ${HEADER + 1 + deno.size} ${program.size} "${program.checksum}"

# Permissions that are given go to Deno, all else to the program.
given=$#
for arg do
  case $arg in --allow-*=*) set -- "$@" "$arg" ;; esac
done
set -- "$@" "$folder/"${quoted(program.name)} "--started-as=$0"
for arg do
  [ "$given" -gt 0 ] || break
  given=$((given - 1))
  shift
  case $arg in --allow-*=*) ;; *) set -- "$@" "$arg" ;; esac
done
export DENO_NO_UPDATE_CHECK=1 DENO_DIR="$folder/deno_dir"
exec "$folder/${deno.name}" run --quiet --no-config --no-lock ${flags.join(" ")} "$@"
`;
}
