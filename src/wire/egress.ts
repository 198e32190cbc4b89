/** The port of a translator: canonical requests to one upstream dialect, and its answers back. */
import type { CanonicalRequest } from "./canonical/request.ts";
import type { AnswerTranslator, UpstreamFault } from "./answer.ts";

/**
 * One thing that a dialect cannot carry. A `hint` changes no meaning (a cache marker, a signature, an id
 * for attribution): it is left out always. `content` is left out only where the route says so.
 */
export interface Loss {
  /** The name of the Messages API's field, without indexes: "thinking.signature", "top_k". */
  readonly field: string;
  readonly weight: "hint" | "content";
  /** One sentence: what happens to it. */
  readonly note: string;
}

/** Ways in which servers of one dialect differ. Rows of the catalogue name them; translators follow. */
export const QUIRKS = {
  /** Chat: `max_tokens` in place of `max_completion_tokens`. */
  "max-tokens-legacy": "takes max_tokens, not max_completion_tokens",
  /** Chat: no `stream_options`; usage comes unasked or not at all. */
  "no-stream-options": "takes no stream_options",
  /** Chat: `tool_choice: "any"` in place of `"required"`. */
  "tool-choice-any": 'forces a tool with "any", not "required"',
  "no-tool-choice-required": "cannot be forced to call a tool",
  "no-parallel-tool-calls": "takes no parallel_tool_calls",
  /** Chat: `system` in place of `developer` (nearly everybody but OpenAI). */
  "system-role": "takes the system prompt as role system, not developer",
  /** Chat: reasoning comes and goes as `reasoning_content` beside `content`. */
  "reasoning-content": "shows reasoning as reasoning_content",
  /** Chat: reasoning comes as `reasoning` (OpenRouter, Groq, vLLM). */
  "reasoning-field": "shows reasoning as reasoning",
  /** Chat: thinking has to be sent back as `reasoning_content` with its tool calls. */
  "reasoning-returned": "wants its reasoning back with the next turn",
  "no-reasoning-effort": "takes no reasoning_effort",
  /** Chat: `xhigh` and `max` besides low, medium and high, which everybody takes. */
  "effort-above-high": "takes reasoning_effort xhigh and max",
  /** Chat: OpenAI from GPT-5.4 on refuses tools beside any other effort. */
  "effort-none-with-tools": "takes tools only with reasoning_effort none",
  /** Chat: `thinking: {type}` as DeepSeek, Z.ai and Moonshot take it. */
  "thinking-switch": "switches reasoning with thinking: {type}",
  "no-json-schema": "takes no response_format json_schema; json_object at most",
  "no-images": "reads no images",
  "no-image-urls": "reads images only inline",
  "no-documents": "reads no documents",
  "no-stop": "takes no stop sequences",
  "four-stops": "takes at most four stop sequences",
  "no-top-k": "takes no top_k",
  "no-temperature": "takes no temperature and top_p",
  "no-user": "takes no user or safety identifier",
  /** Chat: the tool result's content must be a text. */
  "tool-results-text": "takes tool results as text only",
  /** Chat: messages of one role in a row are refused: they are merged. */
  "strict-alternation": "takes no two messages of one role in a row",
  /** Chat: tool call ids must be nine letters or digits (Mistral). */
  "short-tool-ids": "takes tool call ids of nine letters or digits only",
  /** Chat: usage counts cached tokens beside the prompt, not inside it. */
  "cached-beside-prompt": "counts cached tokens beside the prompt, not inside it",
  /** Chat: DeepSeek's `prompt_cache_hit_tokens` in place of `prompt_tokens_details`. */
  "cache-hit-tokens": "tells cached tokens as prompt_cache_hit_tokens",
  /** Chat: reasoning tokens are counted beside `completion_tokens`, not inside (xAI). */
  "reasoning-beside-completion": "counts reasoning tokens beside the completion, not inside it",
  /** Chat: Groq's `x_groq.usage` on the last chunk. */
  "usage-in-x-groq": "tells usage of a stream under x_groq",
  /** Schemas: no `$schema`, `additionalProperties`, `format` and the like (Gemini's older schema). */
  "plain-schemas": "takes a subset of JSON Schema for tools",
} as const;

export type Quirk = keyof typeof QUIRKS;

/** What a translator is told besides the request. */
export interface EgressContext {
  /** As the upstream names it. */
  readonly model: string;
  /** As admitted: asked, lowered, or the model's own ceiling. */
  readonly maxTokens: number;
  readonly quirks: ReadonlySet<Quirk>;
  /** `refuse`: a loss of weight `content` is a refusal. */
  readonly onUnsupported: "refuse" | "drop";
  /** Values of `anthropic-beta` for doors that serve Anthropic's models in another dialect; none if left out. */
  readonly betas?: readonly string[];
}

/** A request in an upstream's dialect. */
export interface EgressBody {
  /** The JSON body, ready to serialise. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Fields of `losses` that this request had and the body has not; each once. */
  readonly dropped: readonly string[];
}

/** What cannot be carried and must not be left out. */
export interface Unsupported {
  readonly unsupported: string;
  /** One sentence that names the field, the dialect and the remedy. */
  readonly message: string;
}

/** What an answer is translated for. */
export interface AnswerContext {
  readonly streamed: boolean;
  /** The answer's id for the client: "msg_…". */
  readonly id: string;
  /** The model's name for the client. */
  readonly model: string;
  readonly quirks: ReadonlySet<Quirk>;
  /** Tool names that were shortened on the way out: name upstream → the client's own. Left out: none. */
  readonly toolNames?: ReadonlyMap<string, string> | null;
  /** The request asks for a cache of an hour. Left out: false. */
  readonly hourCache?: boolean;
}

export interface Egress {
  /** Everything that this dialect can lose, each field once; the documentation's table is made of it. */
  readonly losses: readonly Loss[];
  readonly request: (request: CanonicalRequest, context: EgressContext) => EgressBody | Unsupported;
  /** For an answer below 300. */
  readonly answer: (context: AnswerContext) => AnswerTranslator;
  /** The upstream's error body (300 and up) in the words of the Messages API; never null. */
  readonly fault: (status: number, body: Buffer) => UpstreamFault;
}

/** Tells what cannot be carried from a body. */
export function isUnsupported(value: EgressBody | Unsupported): value is Unsupported {
  return "unsupported" in value;
}
