/** What a Messages request can lose on its way to Converse, and the record of what one lost. */
import { NESTED_LOSSES, nestedWeight } from "../canonical/nested.ts";
import type { EgressBody, EgressContext, Loss, Unsupported } from "../egress.ts";

const hint = (note: string) => ({ weight: "hint", note }) as const;
const content = (note: string) => ({ weight: "content", note }) as const;

/** By field of the Messages API. */
const LOSSES = {
  cache_control: hint(
    "Becomes a cachePoint, the last four at most, for Claude and Nova; else left out.",
  ),
  "cache_control.ttl": hint(
    "Five minutes, where the model takes no hour: Nova, and Claude before 4.5.",
  ),
  "thinking.signature": hint(
    "Thinking that Anthropic did not sign is left out of the conversation.",
  ),
  "thinking.thinking": hint("Reasoning of earlier turns is sent back to Claude only."),
  redacted_thinking: hint("Sent back to Claude only, where Anthropic made it."),
  thinking: hint(
    "Sent to Claude only, and disabled in the middle of calls whose thinking is another provider's; other models reason as they do by themselves.",
  ),
  "output_config.effort": hint(
    "Sent to Claude only; other models reason as they do by themselves.",
  ),
  "text.citations": hint("The text stays, its citations are left out."),
  "document.title": hint("Becomes a name of letters, digits, spaces, hyphens and brackets."),
  "messages.role": hint(
    "A system message in mid-conversation becomes the user's, between <system> tags.",
  ),
  "anthropic-beta": hint(
    "Values that Bedrock does not know are left out; other models than Claude get none.",
  ),
  "metadata.user_id": hint("Left out."),
  context_management: hint("The whole context is sent; nothing is cleared on the way."),
  service_tier: hint("The default tier serves."),
  speed: hint("The default speed serves."),
  image: content("Left out where the model reads none."),
  "image.source": content(
    "Inline PNG, JPEG, GIF and WebP are carried; URLs, uploaded files and other kinds are left out.",
  ),
  document: content("Left out where the model reads none."),
  "document.source": content(
    "Text and inline documents of known kinds are carried; URLs and uploaded files are left out.",
  ),
  "document.citations": content("The answer cites nothing."),
  "messages.content": content(
    "Blocks of Anthropic's own tools, and search results, are left out of the conversation.",
  ),
  tools: content("Tools that are defined or run by Anthropic are left out."),
  tool_choice: content(
    "The model may call a tool where calls were to be forbidden in a conversation with earlier ones, or none where it cannot be forced.",
  ),
  "tool_choice.disable_parallel_tool_use": content("The model may call several tools at once."),
  "output_config.format": content("The answer follows no schema where the model takes none."),
  stop_sequences: content("Left out where the model takes none."),
  temperature: content("The model's own temperature serves where it takes none."),
  top_p: content("The model's own top_p serves where it takes none."),
  top_k: content("Sent to Claude only; for other models their own top_k serves."),
  inference_geo: content("The model's region, or its inference profile, decides."),
  container: content("No container and none of its skills is there."),
  mcp_servers: content("No MCP server is called."),
  "(any other field)": content("Any other top-level field is left out under its own name."),
} as const satisfies Record<string, Omit<Loss, "field">>;

export type LostField = keyof typeof LOSSES;

/** The table for documentation: every field once. */
export const CONVERSE_LOSSES: readonly Loss[] = [
  ...Object.entries(LOSSES).map(([field, loss]) => ({ field, ...loss })),
  ...NESTED_LOSSES,
];

/** Notes what one request loses; the first loss that must not be decides. */
export class Losing {
  readonly #context: EgressContext;
  readonly #dropped = new Set<string>();
  #unsupported: Unsupported | null = null;

  constructor(context: EgressContext) {
    this.#context = context;
  }

  /** `what` tells the case in the sentence of a refusal: a block's type. */
  lose(field: LostField, what: string | null = null): void {
    this.#note(field, LOSSES[field].weight, what);
  }

  /** A top-level field of the request that has no equivalent, by its own name. */
  loseOther(name: string): void {
    const known = Object.hasOwn(LOSSES, name) ? LOSSES[name as LostField] : null;
    this.#note(name, known?.weight ?? "content", null);
  }

  /** A field inside one of the request's own, as the canonical request names it. */
  loseNested(name: string): void {
    this.#note(name, nestedWeight(name), null);
  }

  /** The body, or the first loss that must not be. */
  conclude(json: Readonly<Record<string, unknown>>): EgressBody | Unsupported {
    return this.#unsupported ?? { json, dropped: [...this.#dropped] };
  }

  #note(field: string, weight: Loss["weight"], what: string | null): void {
    this.#dropped.add(field);
    const { onUnsupported, model } = this.#context;
    if (weight === "hint" || onUnsupported === "drop" || this.#unsupported !== null) return;
    const named = what === null ? field : `${field} (${what})`;
    const message = `${named} cannot be carried to ${model} by Bedrock Converse: leave it out, or set on_unsupported: drop on the route.`;
    this.#unsupported = { unsupported: field, message };
  }
}
