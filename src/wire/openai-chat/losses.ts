/** What chat completions cannot carry of a Messages request, and what becomes of it. */
import { NESTED_LOSSES, nestedWeight } from "../canonical/nested.ts";
import type { EgressContext, Loss, Unsupported } from "../egress.ts";

const hint = (note: string) => ({ weight: "hint", note }) as const;
const content = (note: string) => ({ weight: "content", note }) as const;

/**
 * By field of the Messages API. Hints change no meaning: caches, attribution, how long to think, which
 * lane serves. Where data is processed (`inference_geo`) and what the model can do is content.
 */
const LOSSES = {
  cache_control: hint("Servers of this dialect cache by themselves; markers are left out."),
  "system.attribution": hint("Claude Code's line for Anthropic's billing is left out."),
  "thinking.thinking": hint(
    "Reasoning of earlier turns is sent back only where the provider wants it.",
  ),
  "thinking.signature": hint("Signatures are left out: only the door that signed can read them."),
  redacted_thinking: hint("Left out: only the door that encrypted it can read it."),
  thinking: hint(
    "Becomes a level of reasoning_effort, or the provider's own default where it takes none.",
  ),
  "thinking.budget_tokens": hint("A budget becomes a level: low, medium or high."),
  "output_config.effort": hint(
    "Levels that the provider does not know become the nearest that it does.",
  ),
  "text.citations": hint("The text stays, its citations are left out."),
  "tools.input_schema": hint("Keywords that the provider does not know are left out of schemas."),
  "tools.strict": hint("Kept where the schema has no optional and no further properties."),
  "messages.role": hint(
    "A system message in mid-conversation becomes a user's where the provider takes none there.",
  ),
  "metadata.user_id": hint("Left out where the provider takes no id of a user."),
  context_management: hint("The whole context is sent; nothing is cleared on the way."),
  service_tier: hint("The provider's default tier serves."),
  speed: hint("The provider's default speed serves."),
  "document.citations": content("The answer cites nothing."),
  image: content("An image becomes a note that it is missing where the provider reads none."),
  "image.source": content(
    "An uploaded file, or a URL where the provider reads none, becomes a note.",
  ),
  document: content("A document becomes a note that it is missing where the provider reads none."),
  "document.source": content(
    "Text and inline PDF are carried; a URL, an uploaded file or another kind becomes a note.",
  ),
  "messages.content": content(
    "Blocks of Anthropic's own tools, and search results, are left out of the conversation.",
  ),
  "messages.prefill": content("A last turn of the assistant is not continued but answered."),
  tools: content("Tools that are defined or run by Anthropic are left out."),
  tool_choice: content("The model is free to call no tool where it cannot be forced."),
  "tool_choice.disable_parallel_tool_use": content("The model may call several tools at once."),
  "output_config.format": content(
    "The schema becomes an instruction, with json_object where the provider takes it.",
  ),
  stop_sequences: content("Sequences beyond what the provider takes are left out."),
  temperature: content("The provider's own temperature serves."),
  top_p: content("The provider's own top_p serves."),
  top_k: content("The provider's own top_k serves."),
  inference_geo: content("The provider decides where the request is processed."),
  container: content("No container and none of its skills is there."),
  mcp_servers: content("The provider calls no MCP server."),
  "(any other field)": content("Any other top-level field is left out under its own name."),
} as const satisfies Record<string, Omit<Loss, "field">>;

export type LostField = keyof typeof LOSSES;

/** The table for documentation: every field once. */
export const CHAT_LOSSES: readonly Loss[] = [
  ...Object.entries(LOSSES).map(([field, loss]) => ({ field, ...loss })),
  ...NESTED_LOSSES,
];

/** Notes what one request loses; the first loss that must not be decides. */
export class Losing {
  readonly #mayDrop: boolean;
  readonly #dropped = new Set<string>();
  #unsupported: Unsupported | null = null;

  constructor(context: EgressContext) {
    this.#mayDrop = context.onUnsupported === "drop";
  }

  get dropped(): readonly string[] {
    return [...this.#dropped];
  }

  /** Set once something of weight `content` would be lost and may not be. */
  get unsupported(): Unsupported | null {
    return this.#unsupported;
  }

  /** `what` tells the case in the sentence of a refusal; left out, the field does. */
  lose(field: LostField, what: string = field): void {
    this.#lose(field, LOSSES[field].weight, what);
  }

  /** A top-level field of the request that has no equivalent. */
  loseOther(name: string): void {
    const known = Object.hasOwn(LOSSES, name) ? LOSSES[name as LostField] : null;
    this.#lose(name, known?.weight ?? "content", name);
  }

  /** A field inside one of the request's own, as the canonical request names it. */
  loseNested(name: string): void {
    this.#lose(name, nestedWeight(name), name);
  }

  #lose(field: string, weight: Loss["weight"], what: string): void {
    this.#dropped.add(field);
    if (weight === "hint" || this.#mayDrop || this.#unsupported !== null) return;
    const message = `${what} cannot be carried to this provider's chat completions: leave it out, or set on_unsupported: drop on the route.`;
    this.#unsupported = { unsupported: field, message };
  }
}
