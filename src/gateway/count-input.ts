/** Asks an upstream, free of charge, how many tokens a request's input has. */
import type { ByteRange, FieldName, MessagesBody } from "../wire/anthropic/body.ts";
import { spliceBody } from "../wire/anthropic/splice.ts";
import { collect } from "./collect.ts";
import type { Exchange } from "./exchange.ts";
import { identifiedBy, upstreamRequest } from "./forward.ts";
import type { Gateway } from "./ports.ts";
import type { Target } from "./candidates.ts";

const DEADLINE_MS = 5_000;
const ANSWER_BYTES_MAX = 64 * 1024;
/** What `count_tokens` takes of a Messages body; other fields make it refuse. */
const COUNTED_FIELDS: readonly FieldName[] = [
  "model",
  "system",
  "messages",
  "tools",
  "tool_choice",
  "thinking",
  "output_config",
];

export interface CountedInput {
  readonly exchange: Exchange;
  readonly target: Target;
  readonly body: MessagesBody;
  /** Read only where the door has a count. */
  readonly received: { readonly chunks: readonly Buffer[] };
}

/** The input tokens of the body by the upstream's own count; null where it gives none in time. */
export async function countInput(of: CountedInput, gateway: Gateway): Promise<number | null> {
  const { target } = of;
  const path = target.address.countTokens;
  if (path === null || target.door.format !== "anthropic-messages") return null;
  const request = upstreamRequest(
    target,
    {
      method: "POST",
      path,
      query: "",
      headers: of.exchange.request.headers,
      body: countBody(of.body, of.received.chunks, target.model),
    },
    gateway.timeouts(),
  );
  const shown = await gateway.authenticate(target, request);
  if (!shown.ok) return null;
  const limits = { deadlineMs: DEADLINE_MS, maxBytes: ANSWER_BYTES_MAX };
  const client = gateway.upstream(target.row.kind);
  const answer = await collect(client, identifiedBy(request, shown.headers), limits);
  return answer === null || answer.status !== 200 ? null : readCount(answer.body);
}

/** The counted fields' own bytes in a new object, at the provider's name for the model. */
function countBody(body: MessagesBody, chunks: readonly Buffer[], model: string): Buffer[] {
  const parts: Buffer[] = [];
  for (const name of COUNTED_FIELDS) {
    const range: ByteRange | undefined = body.fields[name];
    if (range === undefined) continue;
    parts.push(Buffer.from(`${parts.length === 0 ? "{" : ","}"${name}":`));
    if (name === "model" && model !== body.model) parts.push(Buffer.from(JSON.stringify(model)));
    else parts.push(...bytesOf(range, body, chunks));
  }
  return [...parts, Buffer.from("}")];
}

function bytesOf(range: ByteRange, body: MessagesBody, chunks: readonly Buffer[]): Buffer[] {
  return spliceBody(chunks, [
    { start: 0, end: range.start, text: "" },
    { start: range.end, end: body.byteLength, text: "" },
  ]);
}

function readCount(body: Buffer): number | null {
  try {
    const answer: unknown = JSON.parse(body.toString("utf8"));
    const tokens =
      typeof answer === "object" && answer !== null && "input_tokens" in answer
        ? answer.input_tokens
        : null;
    return Number.isSafeInteger(tokens) && Number(tokens) >= 0 ? Number(tokens) : null;
  } catch {
    // An answer that is no JSON tells no count: the caller falls back to the bound.
    return null;
  }
}
