/** The canonical form of a request: the Messages API's own words, read once and typed. */

/** A picture or document as it is sent. `file`: uploaded to the provider before, of no use elsewhere. */
export type Source =
  | { readonly kind: "base64"; readonly mediaType: string; readonly data: string }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "file"; readonly id: string };

export interface TextBlock {
  readonly type: "text";
  readonly text: string;
  /** It carried a `cache_control` marker. */
  readonly cached: boolean;
  /** The marker's `ttl` where it is an hour; left out: five minutes. */
  readonly ttl?: "1h";
  /** It carried `citations`, which no other dialect has. */
  readonly cited: boolean;
}

export interface ImageBlock {
  readonly type: "image";
  readonly source: Source;
  readonly cached: boolean;
  readonly ttl?: "1h";
}

export interface DocumentBlock {
  readonly type: "document";
  readonly source: Source;
  readonly title: string | null;
  readonly context: string | null;
  /** `citations.enabled` was asked for. */
  readonly cites: boolean;
  readonly cached: boolean;
  readonly ttl?: "1h";
}

export interface ToolUseBlock {
  readonly type: "tool_use";
  readonly id: string;
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly cached: boolean;
  readonly ttl?: "1h";
}

export type ResultPart = TextBlock | ImageBlock | DocumentBlock | OtherBlock;

export interface ToolResultBlock {
  readonly type: "tool_result";
  readonly toolUseId: string;
  readonly isError: boolean;
  readonly parts: readonly ResultPart[];
  readonly cached: boolean;
  readonly ttl?: "1h";
}

export interface ThinkingBlock {
  readonly type: "thinking";
  readonly text: string;
  /** "" where there is none. */
  readonly signature: string;
}

export interface RedactedThinkingBlock {
  readonly type: "redacted_thinking";
  readonly data: string;
}

/** A block that only Anthropic's own doors know: server tools and their results, search results. */
export interface OtherBlock {
  readonly type: "other";
  /** Its own `type`. */
  readonly name: string;
}

export type Block =
  | TextBlock
  | ImageBlock
  | DocumentBlock
  | ToolUseBlock
  | ToolResultBlock
  | ThinkingBlock
  | RedactedThinkingBlock
  | OtherBlock;

/** One entry of `messages`. `system` in mid-conversation is a role of its own. */
export interface Turn {
  readonly role: "user" | "assistant" | "system";
  readonly blocks: readonly Block[];
}

/** A tool that the client runs. */
export interface Tool {
  readonly name: string;
  readonly description: string | null;
  /** JSON Schema of the input. */
  readonly schema: Readonly<Record<string, unknown>>;
  readonly strict: boolean;
  readonly cached: boolean;
  readonly ttl?: "1h";
}

export type ToolChoice =
  | { readonly kind: "auto" }
  | { readonly kind: "any" }
  | { readonly kind: "none" }
  | { readonly kind: "tool"; readonly name: string };

export type Thinking =
  | { readonly mode: "disabled" }
  /** The model decides how much. */
  | { readonly mode: "adaptive" }
  | { readonly mode: "enabled"; readonly budgetTokens: number };

export interface CanonicalRequest {
  readonly model: string;
  readonly stream: boolean;
  readonly system: readonly TextBlock[];
  readonly turns: readonly Turn[];
  readonly tools: readonly Tool[];
  /** `type` of each tool that is the provider's own ("web_search_20260209", "bash_20250124"). */
  readonly providerTools: readonly string[];
  readonly toolChoice: ToolChoice | null;
  /** False where `disable_parallel_tool_use` was set. */
  readonly parallelTools: boolean;
  /** Null where the request does not say. */
  readonly thinking: Thinking | null;
  /** `thinking.display`: "summarized", "omitted"; left out where not said. It stands in `nested` too. */
  readonly thinkingDisplay?: string;
  /** `output_config.effort`: "low", "medium", "high", …; null where not said. */
  readonly effort: string | null;
  /** JSON Schema of `output_config.format`; null: free text. */
  readonly schema: Readonly<Record<string, unknown>> | null;
  readonly stopSequences: readonly string[];
  readonly temperature: number | null;
  readonly topP: number | null;
  readonly topK: number | null;
  /** `metadata.user_id`. */
  readonly userId: string | null;
  /** Top-level fields that are set and are none of the above, by name, in the body's order. */
  readonly others: readonly string[];
  /**
   * Fields inside those above that are set and have no place here, without indexes, each once:
   * "tools.defer_loading", "output_config.task_budget", "messages.name".
   */
  readonly nested?: readonly string[];
}
