/** A real gateway with some traffic behind it, whose control API is called as its own description says. */
import assert from "node:assert/strict";
import { DESK_BODY } from "../e2e/desk.ts";
import { startGateway, until, type Gateway } from "../harness/gateway.ts";
import { ADA_KEY, SMALL_ENV, smallConfig } from "../harness/gateway-config.ts";
import { send, type RawAnswer } from "../harness/raw-request.ts";
import { apiError, text } from "../harness/scripts.ts";
import { startUpstream } from "../harness/upstream.ts";
import { operationsOf, type ApiDocument, type Operation } from "./openapi-document.ts";

/** A call as it goes out. */
export interface Sent {
  /** Of the path's `{id}`. */
  readonly id?: string;
  readonly query?: readonly (readonly [name: string, value: string])[];
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string;
}

export interface Desk {
  readonly gateway: Gateway;
  readonly document: ApiDocument;
  readonly operations: readonly Operation[];
  /** Requests that were charged by estimate. */
  readonly estimated: readonly string[];
  /** The admin token that counts now. */
  token: string;
  /** Signed in by the token unless `headers` say otherwise. */
  readonly call: (operation: Operation, sent: Sent) => Promise<RawAnswer>;
  readonly dispose: () => Promise<void>;
}

const BUDGETS = {
  customer: [{ usd: "50", per: "month" }],
  team: [{ usd: "40", per: "day" }],
  key: [{ usd: "10", per: "session" }],
};
const REQUESTS = { good: 3, failed: 1, estimated: 6 };

/** The admin token is made by the gateway itself, so that it can be made anew. */
export async function startDesk(): Promise<Desk> {
  const upstream = await startUpstream(() => text("ok"));
  const config = smallConfig(upstream.url, { budgets: BUDGETS });
  const env = { ...SMALL_ENV, TOLLGATE_ADMIN_TOKEN: "" };
  const gateway = await startGateway({ config, env });
  const dispose = async (): Promise<void> => {
    await gateway.dispose();
    await upstream.stop();
  };
  try {
    const token = /Admin token[^:]*: (\S+)/.exec(gateway.logs())?.[1] ?? assert.fail();
    for (let count = 0; count < REQUESTS.good; count++) await ask(gateway);
    upstream.answerWith(() => apiError(400, "invalid_request_error", "no"));
    for (let count = 0; count < REQUESTS.failed; count++) await ask(gateway);
    upstream.answerWith(() => ({ ...text("ok"), fault: { kind: "reset_before_head" } }));
    const estimated: string[] = [];
    for (let count = 0; count < REQUESTS.estimated; count++) estimated.push(await ask(gateway));
    const document = (await getJson(gateway, token, "/api/openapi.json")) as ApiDocument;
    await rowsAreThere(gateway, token);
    return deskOf({ gateway, document, estimated, token, dispose });
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function ask({ url }: Gateway): Promise<string> {
  const headers = { "x-api-key": ADA_KEY, "content-type": "application/json" };
  const answer = await send(url, { path: "/v1/messages", body: DESK_BODY, headers });
  return String(answer.headers["tollgate-request-id"]);
}

async function rowsAreThere(gateway: Gateway, token: string): Promise<void> {
  const count = REQUESTS.good + REQUESTS.failed + REQUESTS.estimated;
  await until("all requests have rows", async () => {
    const page = (await getJson(gateway, token, "/api/v1/requests")) as { data: unknown[] };
    return page.data.length === count;
  });
}

async function getJson({ adminUrl }: Gateway, token: string, path: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}` };
  return (await send(adminUrl, { method: "GET", path, headers })).json();
}

function deskOf(of: Pick<Desk, "gateway" | "document" | "estimated" | "token" | "dispose">): Desk {
  const desk: Desk = {
    ...of,
    operations: operationsOf(of.document),
    call: ({ method, path }, { id, query = [], headers = {}, body }) => {
      const words = query.map((pair) => pair.map(encoded).join("="));
      const url = path.replace("{virtual_key}", "ada").replace("{id}", encoded(id ?? ""));
      return send(desk.gateway.adminUrl, {
        method,
        path: words.length === 0 ? url : `${url}?${words.join("&")}`,
        headers: present({ authorization: `Bearer ${desk.token}`, ...headers }),
        ...(body === undefined ? {} : { body }),
      });
    },
  };
  return desk;
}

/** Half of a surrogate pair has no form in a URL. */
function encoded(value: string): string {
  return encodeURIComponent(value.toWellFormed());
}

/** `undefined` takes a header away. */
function present(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter((each): each is [string, string] => each[1] !== undefined),
  );
}
