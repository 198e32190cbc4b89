/** The API described by itself: OpenAPI 3.1, made from the very schemas that check its calls. */
import { z } from "zod";
import { problemSchema } from "./problem.ts";
import { route, type Route } from "./route.ts";

type Json = Readonly<Record<string, unknown>>;

const PROBLEMS: Readonly<Record<number, string>> = {
  400: "A parameter or the body is not valid",
  401: "Not signed in",
  403: "Signed in by cookie, without x-tollgate-csrf",
  404: "There is none of that id",
  409: "Not possible: an entity of the file, a duplicate, or a key that was used before",
  412: "Changed since it was read",
  413: "The body is too large",
  500: "A fault of the gateway",
  503: "Not available now",
};
const HEADERS = {
  "if-match": "The ETag that was read; another one is answered with 412.",
  "idempotency-key": "Repeats with the same key within 24 hours get the first answer.",
} as const;

/** The document of these routes, and the route that serves it; it describes itself too. */
export function openapiRoutes(routes: readonly Route[], version: string): Route[] {
  const own = route({
    method: "GET",
    path: "/api/openapi.json",
    tag: "openapi",
    summary: "This document",
    status: 200,
    answer: z.object({ openapi: z.string() }).catchall(z.unknown()),
    handle: () => ({ body: document }),
  });
  const document = openapiDocument([...routes, own], version);
  return [own];
}

function openapiDocument(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const each of routes) {
    (paths[each.path] ??= {})[each.method.toLowerCase()] = operationOf(each);
  }
  return {
    openapi: "3.1.0",
    info: { title: "Tollgate control API", version, license: { name: "Apache-2.0" } },
    paths,
    components: {
      schemas: { Problem: schemaOf(problemSchema, "output") },
      securitySchemes: {
        token: { type: "http", scheme: "bearer" },
        session: { type: "apiKey", in: "cookie", name: "tollgate_session" },
      },
    },
    security: [{ token: [] }, { session: [] }],
  };
}

function operationOf(each: Route): Json {
  const body = each.documentedBody ?? each.body;
  return {
    operationId: operationId(each),
    tags: [each.tag],
    summary: each.summary,
    ...(each.access === undefined || each.access === "admin" ? {} : { security: [] }),
    parameters: [...pathParameters(each), ...queryParameters(each), ...headerParameters(each)],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            content: { [bodyType(each)]: { schema: schemaOf(body, "input") }, ...csvOf(each) },
          },
        }),
    responses: responsesOf(each),
  };
}

/** `get_virtual_keys_id`, from method and path. */
function operationId({ method, path }: Route): string {
  const words = path.replace(/^\/api(?:\/v1)?/, "").match(/[a-z]+/g) ?? [];
  return [method.toLowerCase(), ...words].join("_");
}

function bodyType({ method }: Route): string {
  return method === "PATCH" ? "application/merge-patch+json" : "application/json";
}

function pathParameters({ path }: Route): readonly Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function queryParameters({ query }: Route): readonly Json[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(query, "input") as {
    properties?: Readonly<Record<string, Json>>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema,
  }));
}

function headerParameters({ headers = [] }: Route): readonly Json[] {
  return headers.map((name) => ({
    name,
    in: "header",
    description: HEADERS[name],
    schema: { type: "string" },
  }));
}

function responsesOf(each: Route): Json {
  const { answer, status, problems = [] } = each;
  const guarded = each.access === "open" ? [400, 401] : [400, 401, 403];
  const responses: Record<string, Json> = {
    [status]: { description: "Done", ...contentOf(answer, each) },
  };
  const problem = { schema: { $ref: "#/components/schemas/Problem" } };
  for (const code of [...guarded, ...problems, 500]) {
    const description = PROBLEMS[code] ?? "";
    responses[code] = { description, content: { "application/problem+json": problem } };
  }
  return responses;
}

function csvOf({ csv }: Pick<Route, "csv">): Json {
  return csv === true ? { "text/csv": { schema: { type: "string" } } } : {};
}

function contentOf(answer: Route["answer"], each: Route): Json {
  if (answer === null) return {};
  if (typeof answer === "string") {
    return { content: { [answer]: { schema: { type: "string" } } } };
  }
  const json = { schema: schemaOf(answer, "output") };
  return { content: { "application/json": json, ...csvOf(each) } };
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}
