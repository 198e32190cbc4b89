/** A scripted provider of the Anthropic Messages API on a real socket, with a bill of its own. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";
import { Bill } from "./bill.ts";
import { portOf } from "./ports.ts";
import { apiError, type Answer, type Script } from "./scripts.ts";
import { deliver, deliverHttp } from "./upstream-delivery.ts";
import { isMessages, receive, type ReceivedRequest } from "./upstream-request.ts";

export interface Upstream {
  /** "http://127.0.0.1:PORT". */
  readonly url: string;
  readonly bill: Bill;
  readonly requests: readonly ReceivedRequest[];
  /** The requests for `POST /v1/messages` only. */
  readonly messages: () => ReceivedRequest[];
  /** Answers that are being produced at this moment. */
  readonly inFlight: () => number;
  /** Changes the script for the requests to come. */
  readonly answerWith: (script: Script) => void;
  readonly stop: () => Promise<void>;
}

export interface UpstreamOptions {
  /** False: `requests` are kept without their bodies, as a long run of large ones needs it. Default: true. */
  readonly keepBodies?: boolean;
}

const NO_BODY = Buffer.alloc(0);

const UPSTREAM_MODELS = [
  {
    type: "model",
    id: "claude-opus-5-5",
    display_name: "Claude Opus 5.5",
    created_at: "2026-08-01T00:00:00Z",
  },
  {
    type: "model",
    id: "claude-sonnet-5-5",
    display_name: "Claude Sonnet 5.5",
    created_at: "2026-08-01T00:00:00Z",
  },
  {
    type: "model",
    id: "claude-haiku-5-5",
    display_name: "Claude Haiku 5.5",
    created_at: "2026-08-01T00:00:00Z",
  },
] as const;

/** Starts an upstream on a free loopback port. Scripts that throw answer 500 in the envelope. */
export async function startUpstream(
  script: Script,
  { keepBodies = true }: UpstreamOptions = {},
): Promise<Upstream> {
  let current = script;
  const answered = { messages: 0, others: 0 };
  const inFlight = new Set<ServerResponse>();
  const bill = new Bill();
  const requests: ReceivedRequest[] = [];
  const server = createServer(
    { requestTimeout: 0, keepAliveTimeout: 60_000 },
    (incoming, response) => {
      inFlight.add(response);
      response.once("close", () => inFlight.delete(response));
      void serve(incoming, response);
    },
  );

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await receive(requests.length, incoming);
    if (request === null) return;
    requests.push(keepBodies ? request : withoutBody(request));
    if (request.method !== "POST") {
      await deliverHttp(response, freeAnswer(request), "req_free");
      return;
    }
    // Counts are numbered apart: a gateway may ask for one of its own.
    const isCounted = isMessages(request);
    answered[isCounted ? "messages" : "others"]++;
    const number = String(isCounted ? answered.messages : answered.others);
    const requestId = `req_0${isCounted ? 1 : 2}${number.padStart(22, "0")}`;
    const answer = await answerTo(request, current);
    await deliver({ request, response, requestId, bill }, answer);
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    bill,
    requests,
    messages: () => requests.filter(isMessages),
    inFlight: () => inFlight.size,
    answerWith: (next) => {
      current = next;
    },
    stop: () => stop(server),
  };
}

function withoutBody(request: ReceivedRequest): ReceivedRequest {
  const json = () => {
    throw new Error("this upstream keeps no bodies");
  };
  return { ...request, body: NO_BODY, json };
}

async function answerTo(request: ReceivedRequest, script: Script): Promise<Answer> {
  const path = request.url.split("?")[0];
  if (path === "/v1/messages/count_tokens") {
    const body = JSON.stringify({ input_tokens: Math.ceil(request.body.length / 4) });
    return { kind: "http", status: 200, headers: { "content-type": "application/json" }, body };
  }
  if (path !== "/v1/messages") return apiError(404, "not_found_error", "Not found");
  try {
    request.json();
  } catch (cause) {
    return apiError(
      400,
      "invalid_request_error",
      `The request body is not valid JSON: ${String(cause)}`,
    );
  }
  try {
    return await script(request);
  } catch (cause) {
    return apiError(500, "api_error", `script failed: ${String(cause)}`);
  }
}

function freeAnswer(request: ReceivedRequest): Answer & { kind: "http" } {
  const [path = ""] = request.url.split("?");
  const json = { "content-type": "application/json" };
  if (path === "/v1/models") {
    const [first, last] = [UPSTREAM_MODELS[0].id, UPSTREAM_MODELS.at(-1)?.id];
    const page = { data: UPSTREAM_MODELS, has_more: false, first_id: first, last_id: last };
    return { kind: "http", status: 200, headers: json, body: JSON.stringify(page) };
  }
  const model = UPSTREAM_MODELS.find((known) => path === `/v1/models/${known.id}`);
  if (model !== undefined) {
    return { kind: "http", status: 200, headers: json, body: JSON.stringify(model) };
  }
  return apiError(404, "not_found_error", "Not found");
}

async function stop(server: Server): Promise<void> {
  if (!server.listening) return;
  server.close();
  server.closeAllConnections();
  await once(server, "close");
}
