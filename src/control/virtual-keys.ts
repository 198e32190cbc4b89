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
  madeReply,
  type Noun,
  oneRoutes,
  pathOf,
  PROBLEM_CODES,
  problemOf,
  replyOf,
  stillThere,
} from "./entity-changes.ts";
import { virtualKeyFields } from "./entity-fields.ts";
import { KEY_CSV, readKeyRows, rowFaults } from "./key-csv.ts";
import { listReply, shownKey, untold, withSecret, withSecretOf } from "./key-secrets.ts";
import { pageOf } from "./page.ts";
import { listOf } from "./answer-fields.ts";
import { inputsOf } from "./entity-inputs.ts";
import { filterBy, paging } from "./parameters.ts";
import type { Asker, ChangeProblem, ControlPorts } from "./ports.ts";
import { Problem, type ProblemCode, type RowFault } from "./problem.ts";
import { route, type RawCall, type Reply, type Route } from "./route.ts";

const OVERLAP_SECONDS_MAX = 30 * 86_400;

const query = z.strictObject({ ...paging, team: filterBy("team"), owner: filterBy("owner") });

/** What the file has, but a secret: those are made here. */
const inputs = inputsOf(
  "VirtualKey",
  fileSchema.shape.virtual_keys.unwrap().element.omit({ secret: true }),
);

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

const ID_IS = "Id of the virtual key.";

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
    ...inputs,
    answer: virtualKeyFields,
    show: (id) => {
      const view = keys.get(id);
      return view === null ? null : shownKey(view, ports);
    },
    update: async (id, patch, actor) => {
      const result = await keys.update(id, patch, actor);
      return isProblem(result) ? result : null;
    },
    remove: (id, actor) => keys.remove(id, actor),
  };
}

function listRoute({ keys, clock, noun }: Parts): Route {
  return route({
    method: "GET",
    path: pathOf(noun),
    tag: noun.plural,
    operation: "listVirtualKeys",
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
      return { body: { ...page, data: page.data.map((view) => shownKey(view, { clock }).body) } };
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
    operation: "createVirtualKey",
    summary: "Makes a virtual key, or many from CSV, and shows the secrets, once",
    body: newKeys,
    documentedBody: inputs.input,
    csv: KEY_CSV,
    status: 201,
    answer: z.union([withSecret, listOf(withSecret)]),
    answerHeaders: ["etag", "location"],
    problems: [409, 503],
    headers: ["idempotency-key"],
    handle: (call) =>
      idempotency.once({
        name: `POST ${path}`,
        call,
        act: async (by) => {
          const { body } = call;
          if (body instanceof CsvText) return createFromCsv({ csv: body.csv, call, by }, parts);
          const made = checked(await inTurn(() => keys.create(body, by)));
          return madeReply(noun, withSecretOf(made, parts), made.key.key.id);
        },
        again: (ids) => {
          const made = ids.map((id) => untold(id, parts));
          if (call.body instanceof CsvText) return listReply(made, call, parts);
          const [key = untold("", parts)] = made;
          return madeReply(noun, withSecretOf(key, parts), key.key.key.id);
        },
      }),
  });
}

/** All keys of the text or none; answered as CSV where that is what is accepted. */
async function createFromCsv(
  { csv, call, by }: { readonly csv: string; readonly call: RawCall; readonly by: Asker },
  parts: Parts,
): Promise<Reply> {
  const read = readKeyRows(csv);
  if ("faults" in read) throw listProblem("invalid_body", read.faults);
  const list = read.rows.map((row) => row.fields);
  const done = await parts.inTurn(() => parts.keys.createAll(list, by));
  if ("problems" in done) {
    const isConflict = done.problems.some(({ status }) => status === 409);
    const faults = rowFaults(done.problems, read.rows);
    throw listProblem(PROBLEM_CODES[isConflict ? 409 : 400], faults);
  }
  return listReply(done.made, call, parts);
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
    operation: "rotateVirtualKey",
    idIs: ID_IS,
    summary: "Gives a virtual key a new secret and shows it, once; ends a revocation",
    body: rotateBody,
    status: 200,
    answer: withSecret,
    answerHeaders: ["etag"],
    problems: [404, 409, 412, 503],
    headers: ["if-match", "idempotency-key"],
    handle: (call) =>
      idempotency.once({
        name: `POST ${locationOf(noun, call.id)}/rotate`,
        call,
        act: (by) =>
          inTurn(async () => {
            checkMatch(noun, call);
            const options = { overlapSeconds: call.body.overlap_seconds };
            const rotated = checked(await keys.rotate(call.id, options, by));
            return replyOf(withSecretOf(rotated, parts));
          }),
        again: () => replyOf(withSecretOf(untold(call.id, parts), parts)),
      }),
  });
}

function revokeRoute({ keys, idempotency, inTurn, noun }: Parts): Route {
  return route({
    method: "POST",
    path: `${pathOf(noun)}/{id}/revoke`,
    tag: noun.plural,
    operation: "revokeVirtualKey",
    idIs: ID_IS,
    summary: "Ends a virtual key at once; rotate brings it back",
    body: z.strictObject({}),
    status: 200,
    answer: virtualKeyFields,
    answerHeaders: ["etag"],
    problems: [404, 409, 412, 503],
    headers: ["if-match", "idempotency-key"],
    handle: (call) =>
      idempotency.once({
        name: `POST ${locationOf(noun, call.id)}/revoke`,
        call,
        act: (by) =>
          inTurn(async () => {
            checkMatch(noun, call);
            checked(await keys.revoke(call.id, by));
            return replyOf(existing(noun, call.id));
          }),
        again: () => replyOf(stillThere(noun, call.id)),
      }),
  });
}

function checked<Done extends object>(result: Done | ChangeProblem): Done {
  if (isProblem(result)) throw problemOf(result);
  return result;
}
