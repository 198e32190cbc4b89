/** Asks an upstream, free of charge, how many tokens a request's input has. */
import type { CanonicalRequest } from "../wire/canonical/request.ts";
import { fitToolNames } from "../wire/canonical/tool-names.ts";
import { isUnsupported, type Egress, type Unsupported } from "../wire/egress.ts";
import { countRequest as geminiCount, readCount as readGeminiCount } from "../wire/gemini/count.ts";
import { gemini } from "../wire/gemini/egress.ts";
import { countRequest as responsesCount, readCount } from "../wire/openai-responses/count.ts";
import { openaiResponses } from "../wire/openai-responses/egress.ts";
import { VERTEX_VERSION } from "../wire/vertex-anthropic/splice.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import { collect } from "./collect.ts";
import { countedFields } from "./count-body.ts";
import type { Exchange } from "./exchange.ts";
import { identifiedBy, upstreamRequest } from "./forward.ts";
import type { Gateway } from "./ports.ts";
import type { Target } from "./candidates.ts";

const DEADLINE_MS = 5_000;
const ANSWER_BYTES_MAX = 64 * 1024;

export interface CountedInput {
  readonly exchange: Exchange;
  readonly target: Target;
  readonly body: MessagesBody;
  /** Read only where the door has a count. */
  readonly received: { readonly chunks: readonly Buffer[] };
  /** The body read whole, for doors of another dialect that have a count; left out: they are not asked. */
  readonly canonical?: (() => CanonicalRequest | Unsupported) | undefined;
}

/** The input tokens of the body by the upstream's own count; null where it gives none in time. */
export async function countInput(of: CountedInput, gateway: Gateway): Promise<number | null> {
  const { target } = of;
  const path = target.address.countTokens;
  const body = path === null ? null : countBody(of);
  if (path === null || body === null) return null;
  const request = upstreamRequest(
    target,
    { method: "POST", path, query: "", headers: of.exchange.request.headers, body },
    gateway.timeouts(),
  );
  const shown = await gateway.authenticate(target, request);
  if (!shown.ok) return null;
  const limits = { deadlineMs: DEADLINE_MS, maxBytes: ANSWER_BYTES_MAX };
  const client = gateway.upstream(target.row.kind);
  const answer = await collect(client, identifiedBy(request, shown.headers), limits);
  if (answer === null || answer.status !== 200) return null;
  return target.door.format === "gemini" ? readGeminiCount(answer.body) : readCount(answer.body);
}

/** The body of a count in the door's format; null where it has none. */
function countBody(of: CountedInput): Buffer[] | null {
  const { target, body, received } = of;
  const { model } = target;
  switch (target.door.format) {
    case "anthropic-messages":
      return countedFields({ body, chunks: received.chunks, model }, {});
    case "vertex-anthropic":
      return countedFields(
        { body, chunks: received.chunks, model },
        { anthropic_version: VERTEX_VERSION },
      );
    case "gemini": {
      const json = translated(of, gemini);
      // Vertex takes the fields beside each other, the Gemini API a whole request.
      const name = target.row.kind === "vertex" ? null : model;
      return json === null ? null : jsonBody(geminiCount(json, name));
    }
    case "openai-responses": {
      const json = translated(of, openaiResponses);
      return json === null ? null : jsonBody(responsesCount(json));
    }
    case "bedrock-invoke":
    case "bedrock-converse":
    case "openai-chat":
      return null;
  }
}

/** The whole request in the door's dialect; null where it cannot be carried. */
function translated(
  { target, body, canonical }: CountedInput,
  egress: Egress,
): Readonly<Record<string, unknown>> | null {
  const read = canonical?.();
  if (read === undefined || "unsupported" in read) return null;
  const { request } = fitToolNames(read);
  const { model, quirks } = target;
  const maxTokens = body.maxTokens ?? 1;
  const made = egress.request(request, { model, quirks, maxTokens, onUnsupported: "drop" });
  return isUnsupported(made) ? null : made.json;
}

function jsonBody(json: unknown): Buffer[] {
  return [Buffer.from(JSON.stringify(json))];
}
