// S23: processes. One for each item; what a process keeps in variables is its own.
//
//   deno run --allow-run --allow-read examples/processes.ts one two three
import { basename } from "node:path";

const items: string[] = [];

/** In a child: adds to its own list, which is empty when it begins. */
function add(item: string): void {
  items.push(item);
  console.log(`process ${Deno.pid} has added ${item}: ${JSON.stringify(items)}`);
}

/** Starts this program again, for one item, and waits for its end. */
async function inProcess(item: string): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", import.meta.filename!, "--child", item],
    stdout: "inherit",
    stderr: "inherit",
  }).spawn().status;
  if (!success) throw new Error(`the process for ${item} has failed`);
}

if (Deno.args[0] === "--child") {
  add(Deno.args[1]);
} else {
  const all = Deno.args.length > 0 ? Deno.args : ["one", "two", "three"];
  console.log(`process ${Deno.pid} runs ${basename(import.meta.filename!)} and starts ${all.length} more`);
  await Promise.all(all.map(inProcess));
  console.log(`process ${Deno.pid} has ${JSON.stringify(items)}: nothing was shared`);
}
