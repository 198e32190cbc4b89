/** What the bound needs to know of a request body; found by one scan, never by parsing. */

/** One tool that the provider runs itself: web search, code execution, MCP connector, advisor. */
export interface ServerTool {
  /** The tool's `type` as sent ("web_search_20260209"); for an entry of `mcp_servers`: "mcp". */
  readonly type: string;
  /** `max_uses` as sent; null where it is missing and bounds nothing until spliced in. */
  readonly maxUses: number | null;
  /** The advisor's own model, where the entry names one. */
  readonly model: string | null;
}

const TAKES_MAX_USES = /^(web_search|web_fetch|advisor)_/;

/** True where the API accepts `max_uses` on a tool of this type; elsewhere it would answer 400. */
export function takesMaxUses(type: string): boolean {
  return TAKES_MAX_USES.test(type);
}

/** Counts over the whole body, strings included. Every field errs towards the dearer reading. */
export interface BodyFacts {
  readonly asciiBytes: number;
  readonly nonAsciiBytes: number;
  /** `\u` escapes: each may decode to a character of many tokens. */
  readonly unicodeEscapes: number;
  /** Entries of the top-level `tools`, server tools included. */
  readonly tools: number;
  readonly serverTools: readonly ServerTool[];
  /**
   * Entries of `tools` whose `type` is one of the provider's own, whoever runs them ("bash_20250124"):
   * each adds instructions that the body does not show. Left out: the server tools alone.
   */
  readonly providerTools?: number;
  /** Types of those that the client runs ("bash_20250124"). Left out: none. */
  readonly clientTools?: readonly string[];
  readonly images: number;
  /** Documents, file and URL sources, containers, stored reasoning: bytes say nothing about tokens. */
  readonly opaqueInput: boolean;
  readonly cacheMarkers: "none" | "5m" | "1h";
  /** Server-side compaction is asked for: one more sampling pass. */
  readonly compaction: boolean;
  /** Models of a top-level `fallbacks`; "default" where the provider chooses. */
  readonly fallbacks: readonly string[] | "default";
  /** True where `speed` could be read as "fast". */
  readonly fast: boolean;
  /** The value of `inference_geo`, decoded; null where missing. */
  readonly inferenceGeo: string | null;
  readonly serviceTier: string | null;
  /** An escaped or repeated nested key could hide any of the above: take the dearest of everything. */
  readonly obscured: boolean;
}
