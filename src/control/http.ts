/** Calls over HTTP: who may make them, how they are read, and the one boundary where failures end. */
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { randomBase62 } from "../core/ids.ts";
import { JournalUnavailable } from "../journal/journal.ts";
import { ViewsUnavailable } from "../views/worker-link.ts";
import { authenticate } from "./authenticate.ts";
import type { BrowserSessions } from "./browser-sessions.ts";
import { CsvText } from "./csv.ts";
import type { ControlPorts } from "./ports.ts";
import { Problem } from "./problem.ts";
import type { Actor, Reply, Route } from "./route.ts";

export interface HttpOptions {
  readonly ports: ControlPorts;
  readonly sessions: BrowserSessions;
  /** `socket`: whoever can open it is the administrator. */
  readonly door: "network" | "socket";
}

const BODY_BYTES_MAX = 1024 * 1024;
const BODY_LEVELS_MAX = 32;
const CSV_BYTES_MAX = 10 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 60_000;
const KEEP_ALIVE_MS = 30_000;
/** Identifiers have up to 128 characters; in a path each may take twelve. */
const PARAMETER_CHARACTERS_MAX = 2048;
const ID_CHARACTERS = 20;
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;
const JSON_TYPES = ["application/json", "application/merge-patch+json"];
const CSV_TYPE = "text/csv";
const FORM_TYPE = "application/x-www-form-urlencoded";
const PROBLEM_TYPE = "application/problem+json; charset=utf-8";

/** On every answer. No other origin is let in, no page may frame it, nothing is kept. */
const SECURITY_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** An HTTP server of these routes, not yet listening. */
export function createHttp(routes: readonly Route[], options: HttpOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: "idle",
    genReqId: () => `ctl_${randomBase62(ID_CHARACTERS)}`,
    routerOptions: { maxParamLength: PARAMETER_CHARACTERS_MAX },
    // These come before any hook.
    frameworkErrors: (error, request, reply) => {
      protect(request, reply);
      answerFailure(error, request, reply, options);
    },
    clientErrorHandler: (_error, socket) => answerGarbage(socket),
  });
  readBodies(app);
  app.addHook("onSend", async (request, reply) => protect(request, reply));
  app.setErrorHandler((error, request, reply) => answerFailure(error, request, reply, options));
  app.setNotFoundHandler((request) => {
    throw new Problem("not_found", `There is nothing at ${pathOf(request)}.`);
  });
  const actors = new WeakMap<FastifyRequest, Actor>();
  for (const each of routes) addRoute(app, each, { ...options, actors });
  refuseOtherMethods(app, routes);
  return app;
}

function protect(request: FastifyRequest, reply: FastifyReply): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
    if (!reply.hasHeader(name)) reply.header(name, value);
  }
  reply.header("request-id", request.id);
}

interface RouteOptions extends HttpOptions {
  readonly actors: WeakMap<FastifyRequest, Actor>;
}

function addRoute(app: FastifyInstance, each: Route, options: RouteOptions): void {
  const { ports, actors } = options;
  app.route({
    method: each.method,
    url: urlOf(each),
    // Before the body is read: strangers cannot make the gateway read anything.
    onRequest: async (request) => {
      actors.set(request, actorOf(each, request, options));
      checkType(each, request);
    },
    handler: async (request, reply) => {
      const actor = actors.get(request) ?? "nobody";
      const { query, body, headers } = request;
      const params = request.params as Readonly<Record<string, string>>;
      const answer = await each.handle({ actor, params, query, body, headers });
      if (each.method !== "GET") {
        const call = `${each.method} ${each.path}`;
        const fields = { actor, request: request.id, ...(params["id"] && { id: params["id"] }) };
        ports.log.info(`control API: ${call}`, fields);
      }
      return send(reply, each, answer);
    },
  });
}

function urlOf({ path }: Route): string {
  return path.replace(/\{(\w+)\}/g, ":$1");
}

function pathOf({ url }: FastifyRequest): string {
  return url.split("?", 1)[0] ?? "";
}

function actorOf(each: Route, request: FastifyRequest, options: HttpOptions): Actor {
  const { ports, sessions, door } = options;
  if (door === "socket") return "local";
  if (each.access === "open") return "nobody";
  if (each.access === "metrics" && ports.config().admin.openMetrics) return "nobody";
  return authenticate(request, ports, sessions);
}

/** Forms of other sites can send this type without asking: only our own pages' calls take it. */
function checkType(each: Route, request: FastifyRequest): void {
  if (each.method === "GET") return;
  const type = request.headers["content-type"] ?? "";
  if (type.startsWith(FORM_TYPE) && each.tag !== "home") throw unsupported();
  if (isCsv(request) && each.csv === undefined) throw unsupported();
}

function isCsv({ headers }: FastifyRequest): boolean {
  return (headers["content-type"] ?? "").toLowerCase().startsWith(CSV_TYPE);
}

function unsupported(): Problem {
  return new Problem("unsupported_media_type", "Send the body as application/json.", {
    parameter: "content-type",
  });
}

function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const parseJson = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser(JSON_TYPES, { parseAs: "string" }, (request, text, done) => {
    if (text === "") return done(null, undefined);
    void parseJson(request, String(text), (error, body: unknown) => {
      if (error === null && isTooDeep(body)) done(tooDeep());
      else done(error, body);
    });
  });
  const bodyLimit = CSV_BYTES_MAX;
  app.addContentTypeParser(CSV_TYPE, { parseAs: "string", bodyLimit }, (_request, text, done) => {
    done(null, new CsvText(String(text)));
  });
  app.addContentTypeParser(FORM_TYPE, { parseAs: "string" }, (_request, text, done) => {
    done(null, Object.fromEntries(new URLSearchParams(String(text))));
  });
}

/** What walks a body by recursion must not run out of stack. */
function isTooDeep(body: unknown): boolean {
  let level = [body];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > BODY_LEVELS_MAX) return true;
    level = level.flatMap((each) =>
      typeof each === "object" && each !== null ? (Object.values(each) as unknown[]) : [],
    );
  }
  return false;
}

function tooDeep(): Problem {
  return new Problem("invalid_body", `The body is nested deeper than ${BODY_LEVELS_MAX} levels.`);
}

function refuseOtherMethods(app: FastifyInstance, routes: readonly Route[]): void {
  const known = Map.groupBy(routes, urlOf);
  for (const [url, there] of known) {
    const methods = there.map((each) => each.method);
    const allow = methods.includes("GET") ? ["HEAD", ...methods] : methods;
    app.route({
      method: METHODS.filter((method) => !methods.some((taken) => taken === method)),
      url,
      onRequest: async (request) => {
        const detail = `${request.method} is not possible here: use ${methods.join(" or ")}.`;
        throw new Problem("method_not_allowed", detail, { headers: { allow: allow.join(", ") } });
      },
      handler: async () => null,
    });
  }
}

function send(reply: FastifyReply, each: Route, answer: Reply): FastifyReply {
  reply.code(answer.status ?? each.status);
  for (const [name, value] of Object.entries(answer.headers ?? {})) reply.header(name, value);
  if (answer.body === null) return reply.send();
  if (typeof each.answer === "string" || typeof answer.body === "string")
    return reply.send(answer.body);
  return reply.type("application/json; charset=utf-8").send(JSON.stringify(answer.body));
}

/** The only boundary. What is not known to be the caller's fault is ours, and told to the log alone. */
function answerFailure(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  { ports }: HttpOptions,
): void {
  const problem = problemOf(error, isCsv(request) ? CSV_BYTES_MAX : BODY_BYTES_MAX);
  if (problem.code === "internal") {
    ports.log.error("a call of the control API failed on a fault of the gateway", {
      request: request.id,
      call: `${request.method} ${request.routeOptions.url ?? ""}`,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  }
  for (const [name, value] of Object.entries(problem.headers)) reply.header(name, value);
  reply
    .code(problem.status)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problem.document(request.id)));
}

function problemOf(error: unknown, bytesMax: number): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof JournalUnavailable) {
    const detail = "The journal cannot be written, so nothing was changed: see /api/v1/status.";
    return new Problem("unavailable", detail, { headers: { "retry-after": "5" } });
  }
  if (error instanceof ViewsUnavailable) {
    const detail = "Rows and sums cannot be read now; requests are served all the same.";
    return new Problem("unavailable", detail, { headers: { "retry-after": "2" } });
  }
  // The library's own errors quote the body, which may hold a secret: only their status is believed.
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : 500;
  switch (status) {
    case 400:
      return new Problem("invalid_body", "The body is no JSON, or the path cannot be decoded.");
    case 414:
      return new Problem("invalid_parameter", "The identifier in the path is too long to be one.");
    case 413:
      return new Problem("too_large", `The body has more than ${bytesMax} bytes.`);
    case 415:
      return unsupported();
    default:
      return new Problem("internal", "The gateway failed on this call; the log says why.");
  }
}

/** For bytes that are no HTTP request: there is no call to answer. */
function answerGarbage(socket: Socket): void {
  if (!socket.writable) return;
  const document = new Problem("invalid_body", "This is no HTTP request.").document("");
  const body = JSON.stringify(document);
  const head = `HTTP/1.1 400 ${STATUS_CODES[400]}\r\ncontent-type: ${PROBLEM_TYPE}`;
  socket.end(
    `${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
