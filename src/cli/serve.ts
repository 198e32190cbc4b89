/** `tollgate serve`: runs the gateway. */
import { Command } from "commander";
import type { ExitCode } from "./exit.ts";
import { complain, say } from "./terminal.ts";
import { type Session, withExamples } from "./verb.ts";

export function serveVerb(session: Session): Command {
  const command = new Command("serve")
    .description("run the gateway until SIGTERM, which lets running streams end first")
    .option("--config <file>", "the configuration file (TOLLGATE_CONFIG, else tollgate.yaml)")
    .action(async ({ config }: { config?: string }) => {
      // The gateway is large; the other verbs start faster without it.
      const { serve } = await import("../main.ts");
      const { environment } = session;
      const ended = await serve({ configFile: config ?? null, environment, say, complain });
      session.exitCode = ended as ExitCode;
    });
  return withExamples(command, ["serve", "serve --config /etc/tollgate/tollgate.yaml"]);
}
