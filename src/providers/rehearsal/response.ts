/** Answers one HTTP request as the rehearsal provider: status, headers and the body piece by piece. */
import { randomBase62 } from "../../core/ids.ts";
import type { Clock } from "../../core/time.ts";
import { rehearsal } from "../rows/rehearsal.ts";
import type { UpstreamRequest } from "../upstream.ts";
import { eventsOf } from "./events.ts";
import { answerOf } from "./message.ts";
import { inputTokensOf, PromptCache } from "./prompt-cache.ts";
import { BadRequest, readRequest } from "./request.ts";
import { nextSay } from "./script.ts";

export interface RehearsalResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly pieces: readonly Buffer[];
}

/** On every answer, errors too: nobody should take one for a real model's. */
const REHEARSAL_HEADER = "x-tollgate-rehearsal";

const MODELS = ["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"];

/** The provider behind the port: a pure function of requests, but for its prompt cache and ids. */
export class RehearsalProvider {
  readonly #clock: Clock;
  readonly #cache: PromptCache;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#cache = new PromptCache(clock);
  }

  respond(request: UpstreamRequest): RehearsalResponse {
    const body = Buffer.concat(request.body ?? []);
    const route = `${request.method} ${request.path.split("?", 1)[0]}`;
    try {
      switch (route) {
        case `POST ${rehearsal.doors[0].paths.message}`:
          return this.#message(body);
        case `POST ${rehearsal.doors[0].paths.countTokens}`:
          return this.#json(200, { input_tokens: inputTokensOf(readRequest(body, "count")) });
        case `GET ${rehearsal.modelList.path}`:
          return this.#json(200, modelList());
        default:
          return this.#error(404, "not_found_error", `The rehearsal has no ${route}.`);
      }
    } catch (cause) {
      if (!(cause instanceof BadRequest)) throw cause;
      return this.#error(400, "invalid_request_error", cause.message);
    }
  }

  #message(body: Buffer): RehearsalResponse {
    const request = readRequest(body, "answer");
    const answer = answerOf(request, nextSay(request), this.#cache.charge(request));
    if (!request.stream) return this.#json(200, answer);
    const headers = this.#headers("text/event-stream; charset=utf-8");
    return {
      status: 200,
      headers: { ...headers, "cache-control": "no-cache" },
      pieces: eventsOf(answer),
    };
  }

  #error(status: number, type: string, message: string): RehearsalResponse {
    const headers = this.#headers("application/json");
    const error = { type, message };
    const envelope = { type: "error", error, request_id: headers["request-id"] };
    return { status, headers, pieces: [Buffer.from(JSON.stringify(envelope))] };
  }

  #json(status: number, value: object): RehearsalResponse {
    const pieces = [Buffer.from(JSON.stringify(value))];
    return { status, headers: this.#headers("application/json"), pieces };
  }

  #headers(contentType: string): Readonly<Record<string, string>> {
    return {
      date: new Date(this.#clock.wallMs()).toUTCString(),
      "content-type": contentType,
      "request-id": `req_${randomBase62(24)}`,
      [REHEARSAL_HEADER]: "1",
    };
  }
}

function modelList(): object {
  const data = MODELS.map((id) => ({
    type: "model",
    id,
    display_name: `${id} (rehearsal)`,
    created_at: "2026-11-01T00:00:00Z",
  }));
  return { data, has_more: false, first_id: MODELS[0], last_id: MODELS.at(-1) };
}
