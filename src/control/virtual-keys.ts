/** Virtual keys: lists, changes, and the one moment at which a secret is shown. */
import { z } from "zod";
import { fileSchema } from "../config/schema.ts";
import { CsvText } from "./csv.ts";
import {
  anyFields,
  type Changing,
  checkMatch,
  existing,
  isProblem,
  locationOf,
  type Noun,
  oneRoutes,
  pathOf,
  PROBLEM_CODES,
  problemOf,
  replyOf,
  type Shown,
} from "./entity-changes.ts";
import { printVirtualKey, virtualKeyFields } from "./entity-fields.ts";
import { entityTag } from "./entity-tag.ts";
import { printKeyRows, readKeyRows, rowFaults } from "./key-csv.ts";
import { pageOf } from "./page.ts";
import { filter, listOf, paging } from "./parameters.ts";
import type { ChangeProblem, ControlPorts, KeyView, KeyWithSecret } from "./ports.ts";
import { Problem, type ProblemCode, type RowFault } from "./problem.ts";
import { route, type RawCall, type Reply, type Route } from "./route.ts";

const OVERLAP_SECONDS_MAX = 30 * 86_400;

const withSecret = virtualKeyFields.extend({
  secret: z.string().describe("Shown once, here."),
});

const query = z.strictObject({ ...paging, team: filter.optional(), owner: filter.optional() });

/** What the file has, but a secret: those are made here. */
const fields = fileSchema.shape.virtual_keys.unwrap().element.omit({ secret: true });

/** One key as JSON, or many as CSV. */
const newKeys = z.custom<CsvText | z.output<typeof anyFields>>(
  (body) => body instanceof CsvText || anyFields.safeParse(body).success,
  { error: "is not a JSON object: send the key's fields, or many keys as text/csv" },
);

const rotateBody = z.strictObject({
  overlap_seconds: z
    .int({ error: "is not a whole number of seconds" })
    .min(0, { error: "is below 0" })
    .max(OVERLAP_SECONDS_MAX, { error: `is above ${OVERLAP_SECONDS_MAX}, which is 30 days` })
    .default(0)
    .describe("How long the secrets before still count; 0: they end at once."),
});

type KeyPorts = Pick<ControlPorts, "keys" | "clock">;

interface Parts extends KeyPorts, Changing {
  readonly noun: Noun;
}

export function virtualKeyRoutes(ports: KeyPorts, changing: Changing): Route[] {
  const noun = nounOf(ports);
  const parts = { keys: ports.keys, clock: ports.clock, ...changing, noun };
  return [
    listRoute(parts),
    createRoute(parts),
    ...oneRoutes(noun, changing),
    rotateRoute(parts),
    revokeRoute(parts),
  ];
}

function nounOf(ports: KeyPorts): Noun {
  const { keys } = ports;
  return {
    plural: "virtual-keys",
    singular: "virtual key",
    input: fields,
    answer: virtualKeyFields,
    show: (id) => {
      const view = keys.get(id);
      return view === null ? null : shown(view, ports);
    },
    update: async (id, patch, actor) => {
      const result = await keys.update(id, patch, actor);
      return isProblem(result) ? result : null;
    },
    remove: (id, actor) => keys.remove(id, actor),
  };
}

function shown(view: KeyView, { clock }: Pick<KeyPorts, "clock">): Shown {
  const body = printVirtualKey(view, clock.wallMs());
  return { body, etag: entityTag(body) };
}

function listRoute({ keys, clock, noun }: Parts): Route {
  return route({
    method: "GET",
    path: pathOf(noun),
    tag: noun.plural,
    summary: "All virtual keys, by id",
    query,
    status: 200,
    answer: listOf(virtualKeyFields),
    handle: ({ query: asked }) => {
      const { team, owner } = asked;
      const views = keys
        .list()
        .filter(
          ({ key }) =>
            (team === undefined || key.team === team) &&
            (owner === undefined || key.owner === owner),
        );
      const page = pageOf(views, ({ key }) => key.id, asked);
      return { body: { ...page, data: page.data.map((view) => shown(view, { clock }).body) } };
    },
  });
}

function createRoute(parts: Parts): Route {
  const { keys, idempotency, inTurn, noun } = parts;
  const path = pathOf(noun);
  return route({
    method: "POST",
    path,
    tag: noun.plural,
    summary: "Makes a virtual key, or many from CSV, and shows the secrets, once",
    body: newKeys,
    documentedBody: fields,
    csv: true,
    status: 201,
    answer: z.union([withSecret, listOf(withSecret)]),
    problems: [409, 413],
    headers: ["idempotency-key"],
    handle: (call) =>
      idempotency.once(`POST ${path}`, call, async () => {
        const { body, actor } = call;
        if (body instanceof CsvText) return createFromCsv(body.csv, call, parts);
        const made = checked(await inTurn(() => keys.create(body, actor)));
        const reply = secretReply(made, parts);
        const location = locationOf(noun, made.key.key.id);
        return { ...reply, headers: { ...reply.headers, location } };
      }),
  });
}

/** All keys of the text or none; answered as CSV where that is what is accepted. */
async function createFromCsv(csv: string, call: RawCall, parts: Parts): Promise<Reply> {
  const read = readKeyRows(csv);
  if ("faults" in read) throw listProblem("invalid_body", read.faults);
  const list = read.rows.map((row) => row.fields);
  const done = await parts.inTurn(() => parts.keys.createAll(list, call.actor));
  if ("problems" in done) {
    const isConflict = done.problems.some(({ status }) => status === 409);
    const faults = rowFaults(done.problems, read.rows);
    throw listProblem(PROBLEM_CODES[isConflict ? 409 : 400], faults);
  }
  if (String(call.headers["accept"] ?? "").startsWith("text/csv")) {
    const headers = { "content-type": "text/csv; charset=utf-8" };
    const keys = done.made.map(({ key, secret }) => ({ ...key.key, secret }));
    return { body: printKeyRows(keys), headers };
  }
  const data = done.made.map((made) => secretReply(made, parts).body);
  return { body: { data, next_cursor: null } };
}

function listProblem(code: ProblemCode, faults: readonly RowFault[]): Problem {
  const [first] = faults;
  const column = first?.column ?? null;
  const at = column === null ? "" : `, column ${column}`;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : "";
  const detail = `Nothing was made: line ${first?.line ?? 1}${at}: ${first?.message ?? ""}${more}.`;
  return new Problem(code, detail, { faults });
}

function rotateRoute(parts: Parts): Route {
  const { keys, idempotency, inTurn, noun } = parts;
  return route({
    method: "POST",
    path: `${pathOf(noun)}/{id}/rotate`,
    tag: noun.plural,
    summary: "Gives a virtual key a new secret and shows it, once; ends a revocation",
    body: rotateBody,
    status: 200,
    answer: withSecret,
    problems: [404, 409, 412],
    headers: ["if-match", "idempotency-key"],
    handle: (call) =>
      idempotency.once(`POST ${locationOf(noun, call.id)}/rotate`, call, () =>
        inTurn(async () => {
          checkMatch(noun, call);
          const options = { overlapSeconds: call.body.overlap_seconds };
          return secretReply(checked(await keys.rotate(call.id, options, call.actor)), parts);
        }),
      ),
  });
}

function revokeRoute({ keys, idempotency, inTurn, noun }: Parts): Route {
  return route({
    method: "POST",
    path: `${pathOf(noun)}/{id}/revoke`,
    tag: noun.plural,
    summary: "Ends a virtual key at once; rotate brings it back",
    body: z.strictObject({}),
    status: 200,
    answer: virtualKeyFields,
    problems: [404, 409, 412],
    headers: ["if-match", "idempotency-key"],
    handle: (call) =>
      idempotency.once(`POST ${locationOf(noun, call.id)}/revoke`, call, () =>
        inTurn(async () => {
          checkMatch(noun, call);
          checked(await keys.revoke(call.id, call.actor));
          return replyOf(existing(noun, call.id));
        }),
      ),
  });
}

function secretReply({ key, secret }: KeyWithSecret, ports: Pick<KeyPorts, "clock">): Reply {
  const { body, etag } = shown(key, ports);
  return { body: { ...body, secret }, headers: { etag } };
}

function checked<Done extends object>(result: Done | ChangeProblem): Done {
  if (isProblem(result)) throw problemOf(result);
  return result;
}
