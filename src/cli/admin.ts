/** `tollgate admin reset-token`: a new admin token where the old one is lost, or known to others. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { CommandFailed } from "./exit.ts";
import { findPlace, type Place } from "./place.ts";
import { throughSocketOrStopped } from "./stopped.ts";
import { complain, say, sayJson } from "./terminal.ts";
import { newVerb, type Session, type StandardOptions, withExamples } from "./verb.ts";

export function adminVerb(session: Session): Command {
  const reset = newVerb(
    "reset-token",
    "make a new admin token; the old one is void at once",
  ).action(async (options: StandardOptions) => {
    const place = findPlace(options.config, session.environment);
    const token = await resetToken(place, session);
    if (options.json === true) return sayJson({ token });
    say(token);
    complain("This is the new admin token, shown this once. The one before is void.");
  });
  withExamples(reset, ["admin reset-token", "admin reset-token --json"]);
  return new Command("admin").description("the control API's own access").addCommand(reset);
}

async function resetToken(place: Place, { environment }: Session): Promise<string> {
  const { dataDir } = place;
  if (!existsSync(join(dataDir, "node")))
    throw new CommandFailed(`${dataDir} is no data directory of a gateway: name one`);
  return throughSocketOrStopped(place, {
    running: async (control) => {
      const answer = await control.call("POST", "/api/v1/admin/reset-token", {});
      return (answer as { readonly token: string }).token;
    },
    stopped: async () => {
      if (place.setsAdminToken || (environment["TOLLGATE_ADMIN_TOKEN"] ?? "") !== "")
        throw new CommandFailed(
          "the configuration sets the admin token (admin.token or TOLLGATE_ADMIN_TOKEN): change it there",
        );
      const { newAdminToken } = await import("../node/admin-token.ts");
      const { nodeHasher } = await import("../node/private-file.ts");
      return newAdminToken(dataDir, nodeHasher(dataDir));
    },
  });
}
