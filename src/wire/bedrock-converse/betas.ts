/** Which values of `anthropic-beta` Bedrock knows: any other makes it refuse the whole request. */

/**
 * Source: Amazon Bedrock user guide, "Anthropic Claude Messages API", and public reports of what was
 * accepted, 2026-11. Some of Claude's models take fewer; none takes more.
 */
const KNOWN = new Set([
  "compact-2026-01-12",
  "computer-use-2024-10-22",
  "computer-use-2025-01-24",
  "computer-use-2025-11-24",
  "context-1m-2025-08-07",
  "context-management-2025-06-27",
  "dev-full-thinking-2025-05-14",
  "effort-2025-11-24",
  "interleaved-thinking-2025-05-14",
  "output-128k-2025-02-19",
  "token-efficient-tools-2025-02-19",
  "tool-examples-2025-10-29",
  "tool-search-tool-2025-10-19",
]);

/** The values to send, in their order, and those that are left out. */
export function bedrockBetas(betas: readonly string[]): {
  readonly sent: readonly string[];
  readonly left: readonly string[];
} {
  return {
    sent: betas.filter((beta) => KNOWN.has(beta)),
    left: betas.filter((beta) => !KNOWN.has(beta)),
  };
}
