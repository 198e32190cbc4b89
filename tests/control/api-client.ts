/** Runs a control server on a port of its own, and holds each answer against the API's own description. */
import assert from "node:assert/strict";
import { createBrowserSessions } from "../../src/control/browser-sessions.ts";
import { problemSchema } from "../../src/control/problem.ts";
import { controlRoutes } from "../../src/control/routes.ts";
import { createControlServer, type ControlServer } from "../../src/control/server.ts";
import { systemClock } from "../../src/core/time.ts";
import { memoryWorld, NEVER_SHOWN, TOKEN, type World } from "./memory-ports.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed where it is JSON; else the text. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface Options {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Null: none is sent. */
  readonly token?: string | null;
}

export interface Api {
  readonly world: World;
  readonly server: ControlServer;
  readonly url: string;
  readonly call: (method: string, path: string, options?: Options) => Promise<Answer>;
  readonly get: (path: string) => Promise<Answer>;
  readonly close: () => Promise<void>;
}

export async function startApi(): Promise<Api> {
  const world = memoryWorld();
  const server = createControlServer(world.ports);
  const { port } = await server.listen({ host: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${port}`;
  const routes = controlRoutes(world.ports, createBrowserSessions(systemClock));
  const call: Api["call"] = async (method, path, options = {}) => {
    const answer = await send(url + path, method, options);
    const [pathOnly = ""] = path.split("?");
    const asked = routes.find(
      (each) => each.method === method && pattern(each.path).test(pathOnly),
    );
    hold(answer, asked?.answer ?? null, asked?.status ?? 0);
    return answer;
  };
  return { world, server, url, call, get: (path) => call("GET", path), close: server.close };
}

async function send(url: string, method: string, options: Options): Promise<Answer> {
  const { body, token = TOKEN } = options;
  const response = await fetch(url, {
    method,
    redirect: "manual",
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  const parsed = isJson ? (JSON.parse(text) as Answer["body"]) : {};
  return { status: response.status, headers: response.headers, body: parsed, text };
}

function pattern(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(".", String.raw`\.`).replaceAll(/\{\w+\}/g, "[^/]+")}$`);
}

/** What every answer must be: as described, with the headers that protect it, without a secret. */
function hold(
  answer: Answer,
  schema: ReturnType<typeof controlRoutes>[number]["answer"],
  status: number,
): void {
  const { headers, text } = answer;
  assert.match(headers.get("request-id") ?? "", /^ctl_\w{20}$/);
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.equal(headers.get("cache-control"), "no-store");
  assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'/);
  assert.equal(headers.get("access-control-allow-origin"), null);
  for (const secret of NEVER_SHOWN) assert.ok(!text.includes(secret), `${secret} in ${text}`);
  const type = headers.get("content-type") ?? "";
  if (answer.status >= 400 && !type.startsWith("text/html")) {
    assert.match(type, /^application\/problem\+json/);
    const problem = problemSchema.parse(answer.body);
    assert.equal(problem.status, answer.status);
    assert.equal(problem.request_id, headers.get("request-id"));
  }
  if (answer.status >= 400) return;
  assert.equal(answer.status, status);
  if (schema === null) assert.equal(text, "");
  else if (/json/.test(type) && typeof schema !== "string") schema.parse(answer.body);
}
