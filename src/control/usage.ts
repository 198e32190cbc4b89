/** `GET /api/v1/usage`: what was used and what it cost, by any of its dimensions. */
import { z } from "zod";
import { resolveTimeZone } from "../config/scalar.ts";
import { GROUP_COLUMNS, type GroupName, type UsageGroup } from "../views/usage.ts";
import { listOf, timeField, usdField } from "./answer-fields.ts";
import { checkRange, choice, cursor, invalidCursor, limitOf, range } from "./parameters.ts";
import type { ControlPorts } from "./ports.ts";
import { usageSchema } from "./requests.ts";
import { route, type Route } from "./route.ts";

const LABEL = "label:";
const GROUPS_MAX = 10;
const CURSOR = /^u1:(\d{1,12})$/;

const groupSchema = z
  .object({
    start: timeField.optional().describe("With interval: where its hour or day begins."),
    requests: z.int().describe("Ended requests, refused ones included."),
    usage: usageSchema,
    cost_usd: usdField,
  })
  .catchall(z.string().nullable())
  .meta({ id: "UsageGroup" })
  .describe("Besides these, a field for each name of group_by.");

const groupBy = z
  .string()
  .transform((text, context) => {
    const names = text.split(",");
    const message = groupFault(names);
    if (message === null) return names as GroupName[];
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  })
  .optional()
  .describe(`Comma-separated, of ${GROUP_COLUMNS.join(", ")}, label:NAME.`);

function groupFault(names: readonly string[]): string | null {
  if (names.length > GROUPS_MAX) return `names more than ${GROUPS_MAX} fields: ask for fewer`;
  if (new Set(names).size < names.length) return "names a field twice: keep one";
  const unknown = names.find((name) => !isGroup(name));
  if (unknown === undefined) return null;
  const known = `${GROUP_COLUMNS.join(", ")} and label:NAME`;
  return `names ${JSON.stringify(unknown)}, which is no field to group by: known are ${known}`;
}

function isGroup(name: string): boolean {
  if (name.startsWith(LABEL)) return name.length > LABEL.length;
  return GROUP_COLUMNS.some((column) => column === name);
}

const query = z.strictObject({
  limit: limitOf(1000),
  cursor,
  group_by: groupBy,
  ...range,
  interval: choice(["hour", "day"]).optional().describe("Sums each hour or day apart."),
  time_zone: z
    .string()
    .refine((name) => resolveTimeZone(name) !== null, {
      error: "is not an IANA time zone: write one such as Europe/Berlin",
    })
    .optional()
    .describe("IANA name that cuts hours and days; the configuration's where it is missing."),
});

export function usageRoutes(ports: Pick<ControlPorts, "views" | "head" | "config">): Route[] {
  const { views } = ports;
  return [
    route({
      method: "GET",
      path: "/api/v1/usage",
      operation: "listUsage",
      tag: "usage",
      summary: "Requests, tokens and cost, summed by group and interval",
      query,
      status: 200,
      answer: listOf(groupSchema),
      problems: [503],
      handle: async ({ query: asked }) => {
        checkRange(asked);
        const skip = asked.cursor === undefined ? 0 : offsetOf(asked.cursor);
        await views.sync(ports.head().seq);
        const groups = await views.usage({
          groupBy: asked.group_by ?? [],
          fromMs: asked.from,
          toMs: asked.to,
          interval: asked.interval ?? null,
          timeZone: asked.time_zone ?? ports.config().timeZone,
        });
        return { body: usagePage(groups, skip, asked.limit) };
      },
    }),
  ];
}

/** Groups are summed anew for each page, so a cursor is only a number of groups. */
function usagePage(groups: readonly UsageGroup[], skip: number, limit: number) {
  const end = skip + limit;
  const next = end < groups.length ? Buffer.from(`u1:${end}`).toString("base64url") : null;
  return { data: groups.slice(skip, end), next_cursor: next };
}

function offsetOf(given: string): number {
  const match = CURSOR.exec(Buffer.from(given, "base64url").toString());
  if (match === null) throw invalidCursor(given);
  return Number(match[1]);
}
