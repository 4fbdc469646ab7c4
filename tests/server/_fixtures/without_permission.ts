/** Listens on an endpoint, or connects to it, and says in one line how that went. Arguments: `listen` or `connect`, ENDPOINT. */
import { connect, serve } from "../../../mod.ts";

const [verb, endpoint] = Deno.args;
try {
  if (verb === "listen") await serve({ listen: endpoint }, () => {});
  else await connect(endpoint);
  console.log("it went well");
} catch (error) {
  console.log(`${(error as Error).name}: ${(error as Error).message}`);
}
Deno.exit();
