/** What the calls for entities of every kind share: shown with a tag, changed and removed by id. */
import { z } from "zod";
import type { InTurn } from "../core/turns.ts";
import { checkIfMatch } from "./entity-tag.ts";
import type { Idempotency } from "./idempotency.ts";
import type { ChangeProblem } from "./ports.ts";
import { Problem } from "./problem.ts";
import { route, type RawCall, type Reply, type Route } from "./route.ts";

/** What keeps changes apart: repeats are answered, not made again, and two never overlap. */
export interface Changing {
  readonly idempotency: Idempotency;
  readonly inTurn: InTurn;
}

/** An entity as it is answered. */
export interface Shown {
  readonly body: object;
  readonly etag: string;
}

/** One kind of entity: its name in paths and sentences, and how it is shown and changed. */
export interface Noun {
  readonly plural: string;
  readonly singular: string;
  /** The fields that are sent, those of the file. */
  readonly input: z.ZodObject;
  /** Those that a change may send. */
  readonly patch: z.ZodObject;
  readonly answer: z.ZodObject;
  /** Null: there is none of that id. */
  readonly show: (id: string) => Shown | null;
  readonly update: (id: string, patch: unknown, actor: string) => Promise<ChangeProblem | null>;
  readonly remove: (id: string, actor: string) => Promise<ChangeProblem | null>;
}

/** Taken as it comes: the configuration's own rules check it. */
export const anyFields = z.record(z.string(), z.unknown(), {
  error: "is not a JSON object: send the entity's fields",
});

export function pathOf({ plural }: Pick<Noun, "plural">): string {
  return `/api/v1/${plural}`;
}

/** "virtual key" → "VirtualKey". */
export function pascalCase(words: string): string {
  return words.replace(/(?:^|[ -])(\w)/g, (_, first: string) => first.toUpperCase());
}

/** `GET`, `PATCH` and `DELETE` of one entity. */
export function oneRoutes(noun: Noun, { inTurn }: Changing): Route[] {
  const path = `${pathOf(noun)}/{id}`;
  const { plural: tag, singular, answer } = noun;
  const idIs = `Id of the ${singular}.`;
  const name = pascalCase(singular);
  const conditional = { problems: [404, 409, 412, 503], headers: ["if-match"] } as const;
  const changed = { tag, path, idIs, ...conditional };
  return [
    route({
      method: "GET",
      path,
      tag,
      operation: `get${name}`,
      summary: `One ${singular}`,
      idIs,
      status: 200,
      answer,
      answerHeaders: ["etag"],
      problems: [404],
      handle: ({ id }) => replyOf(existing(noun, id)),
    }),
    route({
      ...changed,
      method: "PATCH",
      operation: `update${name}`,
      summary: `Changes fields of one ${singular} (merge patch); null takes a field away`,
      body: anyFields,
      documentedBody: noun.patch,
      status: 200,
      answer,
      answerHeaders: ["etag"],
      handle: (call) =>
        inTurn(async () => {
          checkMatch(noun, call);
          await done(noun.update(call.id, call.body, call.actor));
          return replyOf(existing(noun, call.id));
        }),
    }),
    route({
      ...changed,
      method: "DELETE",
      operation: `delete${name}`,
      summary: `Removes one ${singular}; what was spent stays in rows and sums`,
      status: 204,
      answer: null,
      handle: (call) =>
        inTurn(async () => {
          checkMatch(noun, call);
          await done(noun.remove(call.id, call.actor));
          return { body: null };
        }),
    }),
  ];
}

/** @throws Problem where there is no such entity, or `If-Match` names another state of it. */
export function checkMatch(noun: Noun, call: Pick<RawCall, "headers"> & { id: string }): void {
  checkIfMatch(call, existing(noun, call.id).etag);
}

export function existing({ show, singular }: Noun, id: string): Shown {
  const shown = show(id);
  if (shown !== null) return shown;
  throw new Problem("not_found", `No ${singular} has the id ${id}.`, { value: id });
}

export function replyOf({ body, etag }: Shown): Reply {
  return { body, headers: { etag } };
}

/**
 * What a call made that is repeated now.
 *
 * @throws Problem where it is gone.
 */
export function stillThere(noun: Noun, id: string): Shown {
  const shown = noun.show(id);
  if (shown === null) throw notThere(noun, id);
  return shown;
}

export function notThere({ singular }: Pick<Noun, "singular">, id: string): Problem {
  const detail = `A call with this Idempotency-Key was carried out before, but ${singular} ${id} is not there now: use a new key.`;
  return new Problem("conflict", detail, { parameter: "Idempotency-Key", value: id });
}

/** Answers that an entity was made. */
export function madeReply(noun: Pick<Noun, "plural">, shown: Shown, id: string): Reply {
  const { body, headers } = replyOf(shown);
  return { body, headers: { ...headers, location: locationOf(noun, id) } };
}

/** Where a new entity can be found. */
export function locationOf(noun: Pick<Noun, "plural">, id: string): string {
  return `${pathOf(noun)}/${encodeURIComponent(id)}`;
}

/** @throws Problem where the change was not made. */
async function done(change: Promise<ChangeProblem | null>): Promise<void> {
  const problem = await change;
  if (problem !== null) throw problemOf(problem);
}

/** Its sentence names the field, if the message does not. */
export function problemOf({ status, message, field }: ChangeProblem): Problem {
  const isNamed = field === undefined || message.includes(field);
  const detail = isNamed ? message : `${field}: ${message}`;
  return new Problem(PROBLEM_CODES[status], detail, { parameter: field });
}

export const PROBLEM_CODES = { 400: "invalid_body", 404: "not_found", 409: "conflict" } as const;

export function isProblem(result: object): result is ChangeProblem {
  return "status" in result && "message" in result;
}
