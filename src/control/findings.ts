/** `GET /api/v1/findings`: sessions that were found to run away, and why. */
import { z } from "zod";
import { DETECTOR_NAMES, RUNAWAY_ACTIONS } from "../config/runaway-limits.ts";
import type { FindingRecord } from "../journal/record.ts";
import { listOf, timeField } from "./answer-fields.ts";
import { pageOf } from "./page.ts";
import { checkRange, choice, filterBy, paging, range } from "./parameters.ts";
import type { ControlPorts } from "./ports.ts";
import { route, type Route } from "./route.ts";

const findingSchema = z
  .strictObject({
    time: timeField,
    request: z.string().describe("The request at which it was found."),
    customer: z.string(),
    team: z.string(),
    owner: z.string().nullable(),
    virtual_key: z.string(),
    session: z.string().describe("The name under which its requests are counted."),
    agent: z.string().nullable().describe("Null: the main loop."),
    detector: z.string(),
    action: z.enum(RUNAWAY_ACTIONS).describe("What followed."),
    would: z
      .enum(RUNAWAY_ACTIONS)
      .nullable()
      .describe("Observe mode alone: what would have followed."),
    sentence: z.string(),
    evidence: z.record(z.string(), z.union([z.number(), z.string()])),
  })
  .meta({ id: "Finding" });

const query = z.strictObject({
  ...paging,
  ...range,
  virtual_key: filterBy("virtual key"),
  session: filterBy("session"),
  detector: choice(DETECTOR_NAMES as [string, ...string[]])
    .optional()
    .describe("Only those of this detector."),
});

export function findingRoutes(ports: Pick<ControlPorts, "findings">): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/v1/findings",
      operation: "listFindings",
      tag: "sessions",
      summary: "Sessions that run away: the latest 1,000 findings, newest first",
      query,
      status: 200,
      answer: listOf(findingSchema),
      handle: ({ query: asked }) => {
        checkRange(asked);
        const found = ports.findings().filter((finding) => isAsked(finding, asked));
        const page = pageOf(found, newestFirst, asked);
        return { body: { ...page, data: page.data.map(printFinding) } };
      },
    }),
  ];
}

function isAsked(finding: FindingRecord, asked: z.output<typeof query>): boolean {
  const { virtual_key: virtualKey, session, detector, from, to } = asked;
  const timeMs = Date.parse(finding.time);
  return (
    (virtualKey === undefined || finding.virtual_key === virtualKey) &&
    (session === undefined || finding.session === session) &&
    (detector === undefined || finding.detector === detector) &&
    (from === undefined || timeMs >= from) &&
    (to === undefined || timeMs < to)
  );
}

/** Request and detector make it unique. */
function newestFirst({ time, request, detector }: FindingRecord): string {
  const agoMs = Number.MAX_SAFE_INTEGER - Date.parse(time);
  return `${String(agoMs).padStart(16, "0")} ${request} ${detector}`;
}

function printFinding(finding: FindingRecord): z.infer<typeof findingSchema> {
  return {
    time: finding.time,
    request: finding.request,
    customer: finding.customer,
    team: finding.team,
    owner: finding.owner,
    virtual_key: finding.virtual_key,
    session: finding.session,
    agent: finding.agent,
    detector: finding.detector,
    action: finding.action,
    would: finding.would ?? null,
    sentence: finding.sentence,
    evidence: { ...finding.evidence },
  };
}
