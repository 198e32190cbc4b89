/** Asks an upstream, free of charge, how many tokens a request's input has. */
import type { ByteRange, FieldName, MessagesBody } from "../wire/anthropic/body.ts";
import { spliceBody } from "../wire/anthropic/splice.ts";
import { collect } from "./collect.ts";
import type { Exchange } from "./exchange.ts";
import { upstreamRequest } from "./forward.ts";
import type { Gateway } from "./ports.ts";
import type { Target } from "./route.ts";

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

/** The input tokens of the body by the upstream's own count; null where it gives none in time. */
export async function countInput(
  of: {
    readonly exchange: Exchange;
    readonly target: Target;
    readonly body: MessagesBody;
    readonly chunks: readonly Buffer[];
  },
  gateway: Gateway,
): Promise<number | null> {
  const { target } = of;
  if (target.row.paths.countTokens === null) return null;
  const request = upstreamRequest(
    target,
    {
      method: "POST",
      path: target.row.paths.countTokens,
      headers: of.exchange.request.headers,
      body: countBody(of.body, of.chunks),
    },
    gateway.timeouts(),
  );
  const limits = { deadlineMs: DEADLINE_MS, maxBytes: ANSWER_BYTES_MAX };
  const answer = await collect(gateway.upstream(target.row.kind), request, limits);
  return answer === null || answer.status !== 200 ? null : readCount(answer.body);
}

/** The counted fields' own bytes in a new object. */
function countBody(body: MessagesBody, chunks: readonly Buffer[]): Buffer[] {
  const parts: Buffer[] = [];
  for (const name of COUNTED_FIELDS) {
    const range: ByteRange | undefined = body.fields[name];
    if (range === undefined) continue;
    parts.push(Buffer.from(`${parts.length === 0 ? "{" : ","}"${name}":`));
    parts.push(...bytesOf(range, body, chunks));
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
