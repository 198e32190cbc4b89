/** Everything that a request loses on its way to Gemini, and the note that one request takes of it. */
import { NESTED_LOSSES, nestedWeight } from "../canonical/nested.ts";
import type { EgressBody, EgressContext, Loss, Unsupported } from "../egress.ts";

function hint(field: string, note: string): Loss {
  return { field, weight: "hint", note };
}

function content(field: string, note: string): Loss {
  return { field, weight: "content", note };
}

/** Stands for every top-level field that has no line of its own. */
const OTHER_FIELD = "*";

const LOSSES = [
  hint("cache_control", "Gemini caches by itself; markers are left out."),
  hint("metadata.user_id", "Gemini takes no user; it is left out."),
  hint("thinking.signature", "A signature of another provider is left out, its text stays."),
  hint("redacted_thinking", "Thinking that only another provider can read is left out."),
  hint(
    "thinking.budget_tokens",
    "Becomes the nearest thinkingLevel or the nearest allowed budget.",
  ),
  hint("thinking.type", "A model that cannot leave thinking off, or cannot think, does as it can."),
  hint("output_config.effort", "Models before Gemini 3 know no effort; it is left out."),
  hint("messages.role", "A system message in mid-conversation becomes a marked text of the user."),
  hint(
    "stop_sequences.matched",
    "Gemini does not tell which one ended an answer: it ends as end_turn.",
  ),
  hint("tools.strict", "Gemini has no such promise for one tool; it is left out."),
  hint("tools.input_schema", "Keywords that the older schema lacks are simplified or left out."),
  hint(
    "output_config.format.schema",
    "Keywords that the older schema lacks are simplified or left out.",
  ),
  hint("text.citations", "Citations of earlier answers are left out, their text stays."),
  hint("temperature", "Left out where the upstream takes none."),
  hint("top_p", "Left out where the upstream takes none."),
  hint("top_k", "Left out where the upstream takes none."),
  hint("context_management", "Gemini clears no context; the conversation is sent whole."),
  hint("service_tier", "Gemini has other tiers; it is left out."),
  hint("speed", "Gemini has no fast mode; it is left out."),
  content("stop_sequences", "Gemini takes five; the rest are left out."),
  content("tools.type", "Tools that Anthropic runs are left out."),
  content("tool_choice.disable_parallel_tool_use", "Gemini cannot be kept from parallel calls."),
  content(
    "output_config.format",
    "Models before Gemini 3 take no schema beside tools; it is left out.",
  ),
  content("image", "Left out where the upstream reads no images."),
  content("image.source.url", "Left out where the upstream fetches no images."),
  content("image.source.file", "A file at Anthropic is out of Gemini's reach; it is left out."),
  content("document", "Left out where the upstream reads no documents."),
  content("document.source.file", "A file at Anthropic is out of Gemini's reach; it is left out."),
  content("document.citations", "Gemini cites no documents; it is left out."),
  content("messages.content", "Blocks of server tools and the like are left out."),
  content(OTHER_FIELD, "Any other top-level field is left out, and named as it is."),
] as const satisfies readonly Loss[];

/** The table for documentation: every field once. */
export const GEMINI_LOSSES: readonly Loss[] = [...LOSSES, ...NESTED_LOSSES];

type Lost = (typeof LOSSES)[number]["field"];

/** What one request loses. */
export class Lossy {
  readonly #found = new Map<string, { readonly loss: Loss; readonly what: string | null }>();

  /** Takes note of a loss; `what` says more for a person: a tool's name. */
  lose(field: Lost, what: string | null = null): void {
    const loss = LOSSES.find((row) => row.field === field);
    if (loss !== undefined && !this.#found.has(field)) this.#found.set(field, { loss, what });
  }

  /** The same for a top-level field, told by its own name as far as that can stand in a header. */
  loseTopLevel(written: string): void {
    const name = /^[\w.-]{1,64}$/.test(written) ? written : OTHER_FIELD;
    const own = LOSSES.find((row) => row.field === name);
    const loss = own ?? content(name, "Gemini has no such field; it is left out.");
    this.#found.set(name, { loss, what: null });
  }

  /** A field inside one of the request's own, as the canonical request names it. */
  loseNested(field: string): void {
    const weight = nestedWeight(field);
    this.#found.set(field, { loss: { field, weight, note: "Left out." }, what: null });
  }

  /** The body, or the first loss that must not be. */
  conclude(
    json: Readonly<Record<string, unknown>>,
    context: EgressContext,
  ): EgressBody | Unsupported {
    if (context.onUnsupported === "refuse") {
      const worst = [...this.#found].find(([, { loss }]) => loss.weight === "content");
      if (worst !== undefined) return refusalOf(worst[0], worst[1].what, context.model);
    }
    return { json, dropped: [...this.#found.keys()] };
  }
}

function refusalOf(field: string, what: string | null, model: string): Unsupported {
  const named = what === null ? field : `${field} (${what.slice(0, 200)})`;
  const remedy = "leave it out, or let the route set on_unsupported: drop";
  return {
    unsupported: field,
    message: `${named} cannot be carried to ${model} at Gemini: ${remedy}.`,
  };
}
