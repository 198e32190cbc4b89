/** The API described by itself: OpenAPI 3.1, made from the very schemas that check its calls. */
import { z } from "zod";
import { headerParameters, pathParameters, queryParameters } from "./openapi-parameters.ts";
import { answerHeaders, problemResponses, responsesOf } from "./openapi-responses.ts";
import { SchemaBook } from "./openapi-schemas.ts";
import { route, type Route } from "./route.ts";

type Json = Readonly<Record<string, unknown>>;

const DESCRIPTION =
  "What administrators and their scripts ask of a gateway. Amounts are decimal strings of US dollars, moments are RFC 3339 in UTC, ranges are from ≤ time < to. On the Unix socket of the data directory no call needs a token.";

const TAGS: Readonly<Record<string, string>> = {
  status: "What this gateway is, and how it does",
  budgets: "What is left in every budget",
  requests: "Ended requests, and the correction of estimated charges",
  usage: "Sums of requests, tokens and cost",
  sessions: "Sessions, live: what each spends, and stopping it",
  "virtual-keys": "What clients identify themselves with",
  customers: "The outermost scope of budgets",
  teams: "Parts of a customer",
  owners: "People with budgets over all their keys",
  providers: "Where requests can go",
  "provider-kinds": "The catalogue of providers, and what they can",
  prices: "What a model costs, and why",
  routing: "Which provider and model answer which request",
  audit: "The journal",
  session: "Signing in with a browser",
  operations: "What is done to the gateway as a whole",
  metrics: "Figures for Prometheus",
  openapi: "This description",
};

const CSRF = "x-tollgate-csrf";

const SECURITY_SCHEMES = {
  token: { type: "http", scheme: "bearer", description: "The admin token." },
  session: {
    type: "apiKey",
    in: "cookie",
    name: "tollgate_session",
    description: "What createSession sets.",
  },
  csrf: {
    type: "apiKey",
    in: "header",
    name: CSRF,
    description: "Any value, beside the cookie, on calls that change something.",
  },
};

/** The document of these routes, and the route that serves it; it describes itself too. */
export function openapiRoutes(routes: readonly Route[], version: string): Route[] {
  const own = route({
    method: "GET",
    path: "/api/openapi.json",
    tag: "openapi",
    operation: "getDescription",
    summary: "This document",
    status: 200,
    answer: z.object({ openapi: z.string() }).catchall(z.unknown()).meta({ title: "OpenAPI" }),
    handle: () => ({ body: document }),
  });
  const document = openapiDocument([...routes, own], version);
  return [own];
}

function openapiDocument(routes: readonly Route[], version: string): Json {
  const book = new SchemaBook();
  const paths: Record<string, Record<string, Json>> = {};
  for (const each of routes) {
    (paths[each.path] ??= {})[each.method.toLowerCase()] = operationOf(each, book);
  }
  const tags = new Set(routes.map(({ tag }) => tag));
  return {
    openapi: "3.1.0",
    info: {
      title: "Tollgate control API",
      version,
      description: DESCRIPTION,
      license: { name: "Apache License 2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "The gateway that serves this document." }],
    tags: [...tags].map((name) => ({ name, description: TAGS[name] ?? name })),
    paths,
    components: {
      responses: problemResponses(book),
      headers: answerHeaders,
      schemas: book.components(),
      securitySchemes: SECURITY_SCHEMES,
    },
    security: [{ token: [] }, { session: [] }],
  };
}

function operationOf(each: Route, book: SchemaBook): Json {
  const body = requestBodyOf(each, book);
  return {
    operationId: each.operation,
    tags: [each.tag],
    summary: each.summary,
    ...securityOf(each),
    parameters: [
      ...pathParameters(each),
      ...queryParameters(each, book),
      ...headerParameters(each),
    ],
    ...(body === null ? {} : { requestBody: body }),
    responses: responsesOf(each, book),
  };
}

function securityOf({ access = "admin", method }: Route): Json {
  if (access === "open") return { security: [] };
  if (method === "GET") return {};
  return { security: [{ token: [] }, { session: [], csrf: [] }] };
}

/** Null: it takes none. */
function requestBodyOf(each: Route, book: SchemaBook): Json | null {
  const body = each.documentedBody ?? each.body;
  if (body === undefined) return null;
  const json = { schema: book.schemaOf(body, "input") };
  const required = !body.safeParse({}).success;
  if (each.method === "PATCH") {
    const content = { "application/merge-patch+json": json, "application/json": json };
    return { required, content };
  }
  const csv = { schema: { type: "string", description: each.csv } };
  const content = {
    "application/json": json,
    ...(each.csv === undefined ? {} : { "text/csv": csv }),
  };
  return { required, content };
}
