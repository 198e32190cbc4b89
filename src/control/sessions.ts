/** Sessions, live: what each has asked for and spent; and stopping, pausing and resuming one. */
import { z } from "zod";
import { formatUsd, nanoUsd } from "../core/money.ts";
import { formatTime } from "../core/time.ts";
import type { SessionAction } from "../journal/record.ts";
import { listOf, timeField, usdField } from "./answer-fields.ts";
import { isProblem, problemOf, type Changing } from "./entity-changes.ts";
import { pageOf } from "./page.ts";
import { choice, filterBy, paging, wholeNumber } from "./parameters.ts";
import type { AgentView, ControlPorts, SessionView } from "./ports.ts";
import { Problem } from "./problem.ts";
import { route, type Call, type Reply, type Route } from "./route.ts";

const STATES = ["running", "paused", "stopped"] as const;
const REASON_CHARACTERS_MAX = 1000;
const SECONDS_MAX = 30 * 86_400;
/** Of a session's id: a longer one falls into the key's default session. */
const ID_BYTES_MAX = 128;

const text = z.string().nullable();
const count = z.int();

const common = {
  first_seen: timeField.nullable().describe("Null: no request of it is remembered."),
  last_seen: timeField.nullable(),
  requests: count,
  tokens: count.describe("Uncached input, cache writes and output."),
  spent_usd: usdField,
  in_flight: count.describe("Attempts that run now."),
};

const agentSchema = z
  .strictObject({
    agent: z.string(),
    parent_agent: text,
    depth: count.describe("1: started by the main loop."),
    ...common,
  })
  .meta({ id: "SessionAgent" });

const row = {
  virtual_key: z.string(),
  session: z.string().describe("The name under which its requests are counted."),
  team: text.describe("Of its latest request."),
  state: z.enum(STATES),
  reason: text.describe("Why it is stopped or paused."),
  actor: text.describe("Who has stopped or paused it."),
  since: timeField.nullable().describe("When that was."),
  ...common,
  usd_per_hour: usdField.describe("How fast it spends, over the last minutes."),
  depth: count.describe("Of its deepest agent; 0 without agents."),
};

const sessionSchema = z.strictObject({ ...row, agents: count }).meta({ id: "TrackedSession" });
const sessionDetailSchema = z
  .strictObject({ ...row, agents: z.array(agentSchema) })
  .meta({ id: "TrackedSessionDetail" });

export type PrintedSession = z.infer<typeof sessionSchema>;
export type PrintedSessionDetail = z.infer<typeof sessionDetailSchema>;

const query = z.strictObject({
  ...paging,
  virtual_key: filterBy("virtual key"),
  team: filterBy("team"),
  state: choice(STATES).optional().describe("Only those in this state."),
  active_within_seconds: wholeNumber({
    maximum: SECONDS_MAX,
    error: `is not a whole number of seconds from 1 to ${SECONDS_MAX}`,
  })
    .optional()
    .describe("Only those with an attempt in flight, or one begun so lately."),
});

const orderBody = z
  .strictObject({
    reason: z
      .string({ error: "is not a text" })
      .trim()
      .min(1, { error: "is empty: leave it out, or say why" })
      .max(REASON_CHARACTERS_MAX, { error: `is longer than ${REASON_CHARACTERS_MAX} characters` })
      .optional()
      .describe("Shown to the developer."),
  })
  .meta({ id: "SessionOrder" });

const ID_IS = "A virtual key's id, then the session's.";

type SessionPorts = Pick<ControlPorts, "sessions" | "clock">;

export function trackedSessionRoutes(ports: SessionPorts, changing: Changing): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/v1/sessions",
      operation: "listSessions",
      tag: "sessions",
      summary: "Sessions with spend and rate, the latest active first",
      query,
      status: 200,
      answer: listOf(sessionSchema),
      handle: ({ query: asked }) => listed(asked, ports),
    }),
    route({
      method: "GET",
      path: "/api/v1/sessions/{virtual_key}/{id}",
      operation: "getSession",
      tag: "sessions",
      summary: "One session with its agents",
      idIs: ID_IS,
      status: 200,
      answer: sessionDetailSchema,
      problems: [404],
      handle: (call) => ({ body: found(call, ports) }),
    }),
    orderRoute(
      { action: "stop", summary: "Refuses all further requests of a session" },
      ports,
      changing,
    ),
    orderRoute(
      { action: "pause", summary: "Refuses a session's requests until it is resumed" },
      ports,
      changing,
    ),
    orderRoute(
      { action: "resume", summary: "Lets a stopped or paused session go on" },
      ports,
      changing,
    ),
  ];
}

/** Each acts on the next request, and on those that wait; answers that run end as they would. */
function orderRoute(
  { action, summary }: { readonly action: SessionAction; readonly summary: string },
  ports: SessionPorts,
  { idempotency, inTurn }: Changing,
): Route {
  return route({
    method: "POST",
    path: `/api/v1/sessions/{virtual_key}/{id}/${action}`,
    operation: `${action}Session`,
    tag: "sessions",
    summary,
    idIs: ID_IS,
    body: orderBody,
    status: 200,
    answer: sessionDetailSchema,
    problems: [404, 409, 503],
    headers: ["idempotency-key"],
    handle: (call) => {
      const { virtualKey, session } = namedIn(call);
      return idempotency.once({
        name: `POST /api/v1/sessions/${virtualKey}/${session}/${action}`,
        call,
        act: async (by) => {
          const order = { virtualKey, session, reason: call.body.reason ?? null, ...by };
          const changed = await inTurn(() => ports.sessions.change(action, order));
          if (isProblem(changed)) throw problemOf(changed);
          return { body: printDetail(changed) };
        },
        again: () => ({ body: found(call, ports) }),
      });
    },
  });
}

function listed(asked: z.output<typeof query>, { sessions, clock }: SessionPorts): Reply {
  const { virtual_key: virtualKey, team, state, active_within_seconds: seconds } = asked;
  const since = seconds === undefined ? -Infinity : clock.wallMs() - seconds * 1000;
  const views = sessions
    .list()
    .filter(
      (view) =>
        (virtualKey === undefined || view.virtualKey === virtualKey) &&
        (team === undefined || view.team === team) &&
        (state === undefined || view.state === state) &&
        (seconds === undefined || view.inFlight > 0 || (view.lastMs ?? -Infinity) >= since),
    );
  const page = pageOf(views, latestFirst, asked);
  return { body: { ...page, data: page.data.map(printSession) } };
}

/** Sorts by the latest attempt; key and id make it unique. */
function latestFirst({ lastMs, sinceMs, virtualKey, session }: SessionView): string {
  const agoMs = Number.MAX_SAFE_INTEGER - (lastMs ?? sinceMs ?? 0);
  return `${String(agoMs).padStart(16, "0")} ${virtualKey}/${session}`;
}

/** @throws Problem where nothing is known of it. */
function found(call: Call<object, unknown>, { sessions }: SessionPorts): PrintedSessionDetail {
  const { virtualKey, session } = namedIn(call);
  const view = sessions.get({ virtualKey, session });
  if (view !== null) return printDetail(view);
  const detail = `Virtual key ${virtualKey} has no session ${session} that is remembered.`;
  throw new Problem("not_found", detail, { value: session });
}

/** @throws Problem where no session can have this id. */
function namedIn({ params, id }: Call<object, unknown>) {
  if (Buffer.byteLength(id) > ID_BYTES_MAX) {
    const detail = `The id of the session is over ${ID_BYTES_MAX} bytes: requests that send such a one count to their key's default session.`;
    throw new Problem("invalid_parameter", detail, { parameter: "id", value: id });
  }
  return { virtualKey: params["virtual_key"] ?? "", session: id };
}

function printDetail(view: SessionView): PrintedSessionDetail {
  return { ...printSession(view), agents: view.agents().map(printAgent) };
}

function printSession(view: SessionView): PrintedSession {
  const { virtualKey, session, team, state, reason, actor, sinceMs, depth, agentCount } = view;
  return {
    virtual_key: virtualKey,
    session,
    team,
    state,
    reason,
    actor,
    since: time(sinceMs),
    ...printTally(view),
    usd_per_hour: usd(BigInt(Math.round(view.nanoPerHour))),
    depth,
    agents: agentCount,
  };
}

function printAgent(view: AgentView): z.infer<typeof agentSchema> {
  const { agent, parent, depth } = view;
  return { agent, parent_agent: parent, depth, ...printTally(view) };
}

function printTally(
  view: Omit<AgentView, "agent" | "parent" | "firstMs" | "lastMs"> &
    Pick<SessionView, "firstMs" | "lastMs">,
) {
  return {
    first_seen: time(view.firstMs),
    last_seen: time(view.lastMs),
    requests: view.requests,
    tokens: view.tokens,
    spent_usd: usd(view.spent),
    in_flight: view.inFlight,
  };
}

function usd(nano: bigint): string {
  return formatUsd(nanoUsd(nano));
}

function time(timeMs: number | null): string | null {
  return timeMs === null ? null : formatTime(timeMs);
}
