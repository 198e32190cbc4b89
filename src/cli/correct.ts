/** `tollgate correct`: replaces an estimated charge by what the provider's invoice says. */
import type { Command } from "commander";
import { usageFault } from "./exit.ts";
import { dollars } from "./numbers.ts";
import { say, sayJson } from "./terminal.ts";
import { newVerb, type Session, type StandardOptions, withControl, withExamples } from "./verb.ts";

interface CorrectOptions extends StandardOptions {
  readonly cost: string;
  readonly reason: string;
  readonly attempt?: string;
}

export function correctVerb(session: Session): Command {
  const command = newVerb("correct <request>", "replace an estimated charge by a stated one")
    .requiredOption("--cost <usd>", "what the provider charged, such as 0.0123")
    .requiredOption("--reason <text>", "why; it stays in the journal")
    .option("--attempt <number>", "where several attempts were estimated")
    .action((request: string, options: CorrectOptions) =>
      withControl(options, session, async (control) => {
        const { cost, reason } = options;
        const attempt = attemptOf(options.attempt);
        const path = `/api/v1/requests/${encodeURIComponent(request)}/correction`;
        const body = { cost_usd: cost, reason, ...(attempt !== null && { attempt }) };
        const corrected = (await control.call("POST", path, body)) as { cost_usd: string };
        if (options.json === true) return sayJson(corrected);
        say(`Request ${request} is corrected: it costs ${dollars(corrected.cost_usd)}.`);
      }),
    );
  return withExamples(command, ['correct req_… --cost 0.0123 --reason "invoice of November"']);
}

function attemptOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw usageFault(`--attempt ${text}: write the number of the attempt, from 1`);
}
