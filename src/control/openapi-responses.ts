/** Answers of the API's calls as its description has them: the good one, and every problem. */
import { STATUS_CODES } from "node:http";
import type { SchemaBook } from "./openapi-schemas.ts";
import { problemSchema } from "./problem.ts";
import type { Route } from "./route.ts";

type Json = Readonly<Record<string, unknown>>;

const PROBLEMS: Readonly<Record<number, string>> = {
  400: "A parameter, a header or the body is not valid; the sentence names it",
  401: "Not signed in",
  403: "Signed in by cookie, without x-tollgate-csrf or from another site",
  404: "There is none of that id",
  409: "Not possible: an entity of the file, a duplicate, or a key that was used before",
  412: "Changed since it was read",
  413: "The body is too large",
  415: "The body is of a type that the call does not take",
  500: "A fault of the gateway",
  503: "Not available now",
};

const header = (description: string) => ({ description, schema: { type: "string" } });
/** By name. */
export const answerHeaders = {
  "request-id": header("Names the call, in the log too."),
  etag: header("Of the entity as it is now; for If-Match."),
  location: header("Where the new entity is."),
  "set-cookie": header("The browser's session, or its end."),
  "retry-after": header("Seconds after which the call may do."),
  "www-authenticate": header("How to sign in."),
} as const;
type HeaderName = keyof typeof answerHeaders;

/** Beside `request-id`, where they apply. */
const PROBLEM_HEADERS: Readonly<Record<number, readonly HeaderName[]>> = {
  401: ["www-authenticate"],
  412: ["etag"],
  503: ["retry-after"],
};

/** By status. */
export function responsesOf(each: Route, book: SchemaBook): Json {
  const responses: Record<string, Json> = {
    [each.status]: {
      description: STATUS_CODES[each.status],
      headers: headersOf(each.answerHeaders ?? []),
      ...contentOf(each, book),
    },
  };
  for (const code of problemsOf(each)) {
    responses[code] = { $ref: `#/components/responses/${nameOf(code)}` };
  }
  return responses;
}

/** The answers that say no, which are the same for all calls; by name. */
export function problemResponses(book: SchemaBook): Json {
  const schema = book.schemaOf(problemSchema, "output");
  const responses = Object.entries(PROBLEMS).map(([code, description]) => {
    const headers = headersOf(PROBLEM_HEADERS[Number(code)] ?? []);
    const content = { "application/problem+json": { schema } };
    return [nameOf(Number(code)), { description, headers, content }];
  });
  return Object.fromEntries(responses) as Json;
}

/** 404 → "NotFound". */
function nameOf(code: number): string {
  return (STATUS_CODES[code] ?? "").replaceAll(" ", "");
}

/** What every call of its kind may be answered with, and what this one may. */
function problemsOf({ access = "admin", method, problems = [] }: Route): readonly number[] {
  const codes = new Set([400, 500, ...problems]);
  if (access !== "open") codes.add(401);
  if (access !== "open" && method !== "GET") codes.add(403);
  // A body is read, whether the call wants one or not.
  if (method !== "GET") codes.add(413).add(415);
  return [...codes].sort((left, right) => left - right);
}

function headersOf(names: readonly HeaderName[]): Json {
  const all: readonly HeaderName[] = ["request-id", ...names];
  return Object.fromEntries(all.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function contentOf({ answer, csv }: Route, book: SchemaBook): Json {
  if (answer === null) return {};
  if (typeof answer === "string") {
    return { content: { [answer]: { schema: { type: "string" } } } };
  }
  const json = { schema: book.schemaOf(answer, "output") };
  if (csv === undefined) return { content: { "application/json": json } };
  const text = { schema: { type: "string", description: "A line for each, where Accept asks." } };
  return { content: { "application/json": json, "text/csv": text } };
}
