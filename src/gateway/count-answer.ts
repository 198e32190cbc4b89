/** The count of a request's input where no answer of the door can pass: by the door's own count, or estimated. */
import type { WireFormat } from "../providers/row.ts";
import { isObject, parseJson } from "../wire/anthropic/value.ts";
import { estimatedInputTokens } from "../wire/canonical/estimate.ts";
import { countRequest as geminiCount, readCount as readGeminiCount } from "../wire/gemini/count.ts";
import {
  countRequest as responsesCount,
  readCount as readResponsesCount,
} from "../wire/openai-responses/count.ts";
import { ownHead } from "./answer.ts";
import { prepareBody, type Attempt } from "./attempt.ts";
import type { Target } from "./candidates.ts";
import { collect } from "./collect.ts";
import type { Exchange } from "./exchange.ts";
import { identifiedBy, upstreamRequest } from "./forward.ts";
import type { Gateway } from "./ports.ts";

const LIMITS = { deadlineMs: 5_000, maxBytes: 64 * 1024 };

type Json = Readonly<Record<string, unknown>>;

/** A count in another dialect, asked for with the body of an answer. */
interface Counter {
  readonly body: (json: Json, target: Target) => Json;
  readonly read: (body: Buffer) => number | null;
}

const COUNTERS: Partial<Readonly<Record<WireFormat, Counter>>> = {
  "openai-responses": { body: responsesCount, read: readResponsesCount },
  gemini: {
    // Vertex takes the fields beside each other, the Gemini API a whole request.
    body: (json, { row, model }) => geminiCount(json, row.kind === "vertex" ? null : model),
    read: readGeminiCount,
  },
};

export interface CountedHere {
  readonly tokens: number;
  readonly isEstimate: boolean;
}

/** True where the door answers counts in the client's own dialect. */
export function passesCounts({ door, address }: Target): boolean {
  return address.countTokens !== null && COUNTERS[door.format] === undefined;
}

/** Tokens of the input by the door's own count; where it has or gives none, an estimate. */
export async function countHere(attempt: Attempt, gateway: Gateway): Promise<CountedHere> {
  const counted = await ownCount(attempt, gateway);
  if (counted !== null) return { tokens: counted, isEstimate: false };
  const canonical = attempt.canonical();
  const bytes = attempt.body.byteLength;
  const tokens = "unsupported" in canonical ? bytes : estimatedInputTokens(canonical);
  return { tokens, isEstimate: true };
}

/** Head and body of the answer; an estimate says that it is one. */
export function countReply(exchange: Exchange, { tokens, isEstimate }: CountedHere) {
  const body = Buffer.from(JSON.stringify({ input_tokens: tokens }));
  const head: Record<string, string> = {
    ...ownHead(exchange),
    "content-type": "application/json",
    "content-length": String(body.length),
    ...(isEstimate ? { "tollgate-estimated": "input_tokens" } : {}),
  };
  return { head, body };
}

async function ownCount(attempt: Attempt, gateway: Gateway): Promise<number | null> {
  const { target, exchange } = attempt;
  const counter = COUNTERS[target.door.format];
  const path = target.address.countTokens;
  if (counter === undefined || path === null) return null;
  const prepared = prepareBody(attempt);
  const json = "unsupported" in prepared ? null : parseJson(textOf(prepared.chunks));
  if (!isObject(json)) return null;
  const body = [Buffer.from(JSON.stringify(counter.body(json, target)))];
  const { headers } = exchange.request;
  const call = { method: "POST", path, query: "", headers, body } as const;
  const request = upstreamRequest(target, call, gateway.timeouts());
  const shown = await gateway.authenticate(target, request);
  if (!shown.ok) return null;
  const client = gateway.upstream(target.row.kind);
  const answer = await collect(client, identifiedBy(request, shown.headers), LIMITS);
  return answer?.status === 200 ? counter.read(answer.body) : null;
}

function textOf(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString("utf8");
}
