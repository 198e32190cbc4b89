/** The shape of `access`: what a scope lets its requests be. What relates its values is in `access-check.ts`. */
import { z } from "zod";
import { ANSWERED_TASKS } from "../core/task-type.ts";
import { CLIENT_DIALECTS, DAYS } from "./access-config.ts";
import { glob, network, providerId, text, timeZone } from "./schema-text.ts";

const serverTool = text({
  pattern: /^[A-Za-z0-9_*?-]{1,128}$/,
  fault: "is not a server tool: write a family such as web_search, a type, or a glob",
});
const beta = text({
  pattern: /^[!-+\--~]{1,256}$/,
  fault: "is not a beta: write a value of anthropic-beta or a glob, such as context-1m-*",
});
const header = text({
  pattern: /^[A-Za-z0-9!#$%&'*+.^_`|~?-]{1,256}$/,
  fault: "is not a header's name: write one such as x-my-header, or a glob",
});
const from = text({
  pattern: /^(?:[01]\d|2[0-3]):[0-5]\d$/,
  fault: 'is not a time of day: write "HH:MM", such as "07:00"',
});
const to = text({
  pattern: /^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/,
  fault: 'is not a time of day: write "HH:MM", such as "19:00", or "24:00"',
});

function list<Item extends z.ZodType>(item: Item, what: string) {
  return z
    .strictObject({
      allow: z.array(item).optional().describe("Only these; without it all."),
      deny: z.array(item).optional().describe("Never these, whatever is allowed."),
    })
    .optional()
    .describe(what);
}

const hours = z.strictObject({
  days: z.array(z.enum(DAYS)).optional().describe("On which it begins; without it every day."),
  from: from.describe("HH:MM by the clock of the zone."),
  to: to.describe("HH:MM, itself not included; over midnight where it is before from."),
});

export const accessSchema = z.strictObject({
  models: list(glob, "Models asked for: names or globs."),
  providers: list(providerId, "Providers: ids or globs."),
  server_tools: list(
    serverTool,
    "Tools that a provider defines: families such as web_search, types, or globs.",
  ),
  networks: list(network, "Where clients are: addresses or networks in CIDR form."),
  dialects: list(z.enum(CLIENT_DIALECTS), "Dialects in which clients ask."),
  task_types: list(z.enum(ANSWERED_TASKS), "Kinds of tasks, as the client tells them."),
  betas: list(beta, "Values of the header anthropic-beta, or globs."),
  headers: list(header, "Names of request headers, or globs."),
  hours: z
    .strictObject({
      time_zone: timeZone.optional().describe("IANA zone; else the file's time_zone."),
      allow: z.array(hours).optional().describe("Only then; without it at any time."),
      deny: z.array(hours).optional().describe("Never then, whatever is allowed."),
    })
    .optional()
    .describe("Hours of the day."),
});

/** As the file has it. */
export type FileAccess = z.infer<typeof accessSchema>;
