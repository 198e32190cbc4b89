/** Virtual keys: lists, changes, and the one moment at which a secret is shown. */
import { z } from "zod";
import { fileSchema } from "../config/schema.ts";
import { checkIfMatch, entityTag } from "./entity-tag.ts";
import { printVirtualKey, virtualKeyFields } from "./entity-fields.ts";
import type { Idempotency } from "./idempotency.ts";
import { pageOf } from "./page.ts";
import { filter, listOf, paging } from "./parameters.ts";
import type { ControlPorts, KeyProblem, KeyView, KeyWithSecret } from "./ports.ts";
import { Problem } from "./problem.ts";
import { route, type RawCall, type Reply, type Route } from "./route.ts";

const PATH = "/api/v1/virtual-keys";
const OVERLAP_SECONDS_MAX = 30 * 86_400;

const withSecret = virtualKeyFields.extend({
  secret: z.string().describe("Shown once, here."),
});

const query = z.strictObject({ ...paging, team: filter.optional(), owner: filter.optional() });

/** What the file has, but a secret: those are made here. */
const fields = fileSchema.shape.virtual_keys.unwrap().element.omit({ secret: true });
/** Taken as it comes: the configuration's own rules check it. */
const anyFields = z.record(z.string(), z.unknown(), {
  error: "is not a JSON object: send the key's fields",
});

const rotateBody = z.strictObject({
  overlap_seconds: z
    .int({ error: "is not a whole number of seconds" })
    .min(0, { error: "is below 0" })
    .max(OVERLAP_SECONDS_MAX, { error: `is above ${OVERLAP_SECONDS_MAX}, which is 30 days` })
    .default(0)
    .describe("How long the secrets before still count; 0: they end at once."),
});

type KeyPorts = Pick<ControlPorts, "keys" | "clock">;

export function virtualKeyRoutes(ports: KeyPorts, idempotency: Idempotency): Route[] {
  return [
    ...readRoutes(ports),
    ...editRoutes(ports, idempotency),
    ...actionRoutes(ports, idempotency),
  ];
}

function readRoutes(ports: KeyPorts): Route[] {
  return [
    route({
      method: "GET",
      path: PATH,
      tag: "virtual-keys",
      summary: "All virtual keys, by id",
      query,
      status: 200,
      answer: listOf(virtualKeyFields),
      handle: ({ query: asked }) => {
        const { team, owner } = asked;
        const views = ports.keys
          .list()
          .filter(
            ({ key }) =>
              (team === undefined || key.team === team) &&
              (owner === undefined || key.owner === owner),
          );
        const page = pageOf(views, ({ key }) => key.id, asked);
        return { body: { ...page, data: page.data.map((view) => print(view, ports)) } };
      },
    }),
    route({
      method: "GET",
      path: `${PATH}/{id}`,
      tag: "virtual-keys",
      summary: "One virtual key",
      status: 200,
      answer: virtualKeyFields,
      problems: [404],
      handle: ({ id }) => replyOf(existing(id, ports), ports),
    }),
  ];
}

function editRoutes(ports: KeyPorts, idempotency: Idempotency): Route[] {
  return [
    route({
      method: "POST",
      path: PATH,
      tag: "virtual-keys",
      summary: "Makes a virtual key and shows its secret, once",
      body: anyFields,
      documentedBody: fields,
      status: 201,
      answer: withSecret,
      problems: [409],
      headers: ["idempotency-key"],
      handle: (call) =>
        idempotency.once(`POST ${PATH}`, call, async () => {
          const made = checked(await ports.keys.create(call.body, call.actor));
          const reply = secretReply(made, ports);
          const location = `${PATH}/${encodeURIComponent(made.key.key.id)}`;
          return { ...reply, headers: { ...reply.headers, location } };
        }),
    }),
    route({
      method: "PATCH",
      path: `${PATH}/{id}`,
      tag: "virtual-keys",
      summary: "Changes fields of a virtual key (merge patch); null takes one away",
      body: anyFields,
      documentedBody: fields.partial(),
      status: 200,
      answer: virtualKeyFields,
      problems: [404, 409, 412],
      headers: ["if-match"],
      handle: async (call) => {
        matched(call, call.id, ports);
        return replyOf(checked(await ports.keys.update(call.id, call.body, call.actor)), ports);
      },
    }),
    route({
      method: "DELETE",
      path: `${PATH}/{id}`,
      tag: "virtual-keys",
      summary: "Removes a virtual key",
      status: 204,
      answer: null,
      problems: [404, 409, 412],
      headers: ["if-match"],
      handle: async (call) => {
        matched(call, call.id, ports);
        const problem = await ports.keys.remove(call.id, call.actor);
        if (problem !== null) throw problemOf(problem);
        return { body: null };
      },
    }),
  ];
}

function actionRoutes(ports: KeyPorts, idempotency: Idempotency): Route[] {
  return [
    route({
      method: "POST",
      path: `${PATH}/{id}/rotate`,
      tag: "virtual-keys",
      summary: "Gives a virtual key a new secret and shows it, once; ends a revocation",
      body: rotateBody,
      status: 200,
      answer: withSecret,
      problems: [404, 409, 412],
      headers: ["if-match", "idempotency-key"],
      handle: (call) =>
        idempotency.once(`POST ${PATH}/${call.id}/rotate`, call, async () => {
          matched(call, call.id, ports);
          const options = { overlapSeconds: call.body.overlap_seconds };
          return secretReply(checked(await ports.keys.rotate(call.id, options, call.actor)), ports);
        }),
    }),
    route({
      method: "POST",
      path: `${PATH}/{id}/revoke`,
      tag: "virtual-keys",
      summary: "Ends a virtual key at once; rotate brings it back",
      body: z.strictObject({}),
      status: 200,
      answer: virtualKeyFields,
      problems: [404, 409, 412],
      headers: ["if-match", "idempotency-key"],
      handle: (call) =>
        idempotency.once(`POST ${PATH}/${call.id}/revoke`, call, async () => {
          matched(call, call.id, ports);
          return replyOf(checked(await ports.keys.revoke(call.id, call.actor)), ports);
        }),
    }),
  ];
}

function existing(id: string, ports: KeyPorts): KeyView {
  const view = ports.keys.get(id);
  if (view !== null) return view;
  throw new Problem("not_found", `No virtual key has the id ${id}.`, { value: id });
}

/** @throws Problem where there is no such key, or `If-Match` names another state of it. */
function matched(call: Pick<RawCall, "headers">, id: string, ports: KeyPorts): void {
  checkIfMatch(call, print(existing(id, ports), ports));
}

function print(view: KeyView, { clock }: KeyPorts): z.infer<typeof virtualKeyFields> {
  return printVirtualKey(view, clock.wallMs());
}

function replyOf(view: KeyView, ports: KeyPorts): Reply {
  const body = print(view, ports);
  return { body, headers: { etag: entityTag(body) } };
}

function secretReply({ key, secret }: KeyWithSecret, ports: KeyPorts): Reply {
  const { body, headers = {} } = replyOf(key, ports);
  return { body: { ...(body as object), secret }, headers };
}

function checked<Done extends object>(result: Done | KeyProblem): Done {
  if (isProblem(result)) throw problemOf(result);
  return result;
}

function isProblem(result: object): result is KeyProblem {
  return "status" in result && "message" in result;
}

function problemOf({ status, message, field }: KeyProblem): Problem {
  const code = { 400: "invalid_body", 404: "not_found", 409: "conflict" } as const;
  return new Problem(code[status], message, { parameter: field });
}
