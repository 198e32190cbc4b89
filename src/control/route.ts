/** A call of the control API as data: what it takes, what it answers, who may make it. */
import { z } from "zod";
import { Problem } from "./problem.ts";

/** Who calls; journalled with every change. `nobody` makes only calls that are open to all. */
export type Actor = "local" | "token" | "browser" | "nobody";

/** What is the same for every call, before its own parameters are read. */
export interface RawCall {
  readonly actor: Actor;
  /** Identifiers of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: unknown;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface Call<Query, Body> extends RawCall {
  readonly query: Query;
  readonly body: Body;
  /** The path's `{id}`; "" where it has none. */
  readonly id: string;
}

/** `body` is sent as JSON, or as it is where it is text of another type. */
export interface Reply {
  readonly body: unknown;
  /** The route's own status where it is missing. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `admin`: token, cookie or socket. `metrics`: open where the configuration says so. */
export type Access = "admin" | "metrics" | "open";

interface Shape<Query extends z.ZodObject, Body extends z.ZodType> {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** With `{id}` where an identifier stands. */
  readonly path: string;
  readonly tag: string;
  /** Its name in generated clients, such as `listTeams`. */
  readonly operation: string;
  readonly summary: string;
  /** What the `{id}` of the path is. */
  readonly idIs?: string;
  readonly access?: Access;
  /** Parameters; none are accepted where it is missing. */
  readonly query?: Query;
  readonly body?: Body;
  /** It takes and gives `text/csv` beside JSON, its body may be a `CsvText`; what its columns are. */
  readonly csv?: string;
  /** What a body is that `body` lets through for others to check. */
  readonly documentedBody?: z.ZodType;
  /** Of a good answer. */
  readonly status: 200 | 201 | 204 | 303;
  /** JSON of a good answer; a media type's name for other texts; null for none. */
  readonly answer: z.ZodType | string | null;
  /** Headers of a good answer. */
  readonly answerHeaders?: readonly ("etag" | "location" | "set-cookie")[];
  /** Statuses that it may answer besides those that all calls of its kind have. */
  readonly problems?: readonly number[];
  /** Request headers that it reads: conditional and repeatable calls. */
  readonly headers?: readonly ("if-match" | "idempotency-key")[];
  readonly handle: (call: Call<z.output<Query>, z.output<Body>>) => Promise<Reply> | Reply;
}

export interface Route extends Omit<Shape<z.ZodObject, z.ZodType>, "handle"> {
  /** @throws Problem where query or body are not as described. */
  readonly handle: (call: RawCall) => Promise<Reply> | Reply;
}

/** Closes a description: what reaches `handle` has the types that the schemas say. */
export function route<Query extends z.ZodObject = z.ZodObject, Body extends z.ZodType = z.ZodType>(
  shape: Shape<Query, Body>,
): Route {
  const { query, body } = shape;
  return {
    ...shape,
    handle: (raw) =>
      shape.handle({
        ...raw,
        query: readQuery(query ?? NO_PARAMETERS, raw.query) as z.output<Query>,
        body: (body === undefined ? undefined : readBody(body, raw.body)) as z.output<Body>,
        id: raw.params["id"] ?? "",
      }),
  };
}

const NO_PARAMETERS = z.strictObject({});

function readQuery(schema: z.ZodObject, raw: unknown): unknown {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const known = Object.keys(schema.shape);
  throw queryProblem(issue, raw, known);
}

function queryProblem(
  issue: z.core.$ZodIssue | undefined,
  raw: unknown,
  known: readonly string[],
): Problem {
  if (issue?.code === "unrecognized_keys") {
    const parameter = issue.keys[0] ?? "";
    const remedy = known.length === 0 ? "this call takes none" : `known are ${known.join(", ")}`;
    return new Problem("invalid_parameter", `The parameter ${parameter} is not known: ${remedy}.`, {
      parameter,
    });
  }
  const parameter = String(issue?.path[0] ?? "");
  const value: unknown = (raw as Readonly<Record<string, unknown>>)[parameter];
  if (Array.isArray(value)) {
    return new Problem(
      "invalid_parameter",
      `The parameter ${parameter} is there twice: keep one.`,
      {
        parameter,
      },
    );
  }
  const detail = `The parameter ${parameter} ${issue?.message ?? "is not valid"}.`;
  const shown = typeof value === "string" ? value : undefined;
  return new Problem("invalid_parameter", detail, { parameter, value: shown });
}

function readBody(schema: z.ZodType, raw: unknown): unknown {
  const parsed = schema.safeParse(raw ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === "unrecognized_keys") {
    const parameter = issue.keys[0] ?? "";
    throw new Problem("invalid_body", `The field ${parameter} is not known: leave it out.`, {
      parameter,
    });
  }
  const parameter = (issue?.path ?? []).join(".");
  const subject = parameter === "" ? "The body" : `The field ${parameter}`;
  const detail = `${subject} ${issue?.message ?? "is not valid"}.`;
  throw new Problem("invalid_body", detail, {
    parameter: parameter === "" ? undefined : parameter,
  });
}
