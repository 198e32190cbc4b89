/** What a Messages request can lose on its way to the Responses API, and the record of what one lost. */
import { NESTED_LOSSES, nestedWeight } from "../canonical/nested.ts";
import type { EgressBody, EgressContext, Loss, Unsupported } from "../egress.ts";

const SIGNATURE_NOTE =
  "Reasoning of another provider is left out; reasoning of this one is sent back as it came.";

/** Each field once, in the order of a request's way: its head, its messages, its tools. */
const LOSSES = [
  {
    field: "cache_control",
    weight: "hint",
    note: "Left out: the provider caches prefixes by itself; prompt_cache_key names the session.",
  },
  {
    field: "system.attribution",
    weight: "hint",
    note: "Claude Code's line for Anthropic's billing is left out.",
  },
  {
    field: "thinking",
    weight: "hint",
    note: "Disabled, it becomes the least effort; left out where the provider takes no effort.",
  },
  {
    field: "thinking.budget_tokens",
    weight: "hint",
    note: "Becomes an effort: low below 4,096 tokens, medium below 16,384, else high.",
  },
  {
    field: "output_config.effort",
    weight: "hint",
    note: "Above high only where the provider takes it; left out where it takes no effort.",
  },
  {
    field: "output_config.format",
    weight: "content",
    note: "Left out where the provider takes no JSON Schema for its output.",
  },
  {
    field: "output_config.format.schema",
    weight: "hint",
    note: "Sent, but not enforced, where it has optional fields or open objects.",
  },
  {
    field: "stop_sequences",
    weight: "content",
    note: "Left out: the Responses API has none.",
  },
  { field: "top_k", weight: "content", note: "Left out: the Responses API has none." },
  {
    field: "temperature",
    weight: "content",
    note: "Left out where the provider takes none.",
  },
  { field: "top_p", weight: "content", note: "Left out where the provider takes none." },
  {
    field: "metadata.user_id",
    weight: "hint",
    note: "Left out where the provider takes no safety_identifier.",
  },
  { field: "thinking.signature", weight: "hint", note: SIGNATURE_NOTE },
  { field: "redacted_thinking", weight: "hint", note: SIGNATURE_NOTE },
  {
    field: "text.citations",
    weight: "hint",
    note: "Left out of earlier answers; their text stays.",
  },
  {
    field: "messages.prefill",
    weight: "content",
    note: "An answer begun by the client stands as an earlier one; the model starts a new one.",
  },
  {
    field: "image",
    weight: "content",
    note: "A note stands in its place where the provider reads no images.",
  },
  {
    field: "image.source",
    weight: "content",
    note: "A note stands for a file of another provider, or an address where the provider opens none.",
  },
  {
    field: "document",
    weight: "content",
    note: "A note stands in its place where the provider reads no documents.",
  },
  {
    field: "document.source",
    weight: "content",
    note: "A note stands for a file of another provider.",
  },
  {
    field: "document.citations",
    weight: "content",
    note: "The document is sent; the answer cites nothing.",
  },
  {
    field: "tool_result.content",
    weight: "content",
    note: "Pictures and files of a tool result are left out where the provider takes texts only.",
  },
  {
    field: "messages.content",
    weight: "content",
    note: "Blocks of Anthropic's own tools and of search results are left out.",
  },
  {
    field: "tools",
    weight: "content",
    note: "Anthropic's own tools are left out; tools that the client runs stay.",
  },
  {
    field: "tools.strict",
    weight: "hint",
    note: "Sent as not strict where the schema has optional fields or open objects.",
  },
  {
    field: "tool_choice",
    weight: "content",
    note: "Left out where the provider cannot be forced to call a tool.",
  },
  {
    field: "tool_choice.disable_parallel_tool_use",
    weight: "hint",
    note: "Left out where the provider takes no parallel_tool_calls.",
  },
  {
    field: "context_management",
    weight: "hint",
    note: "Left out: the whole conversation is sent.",
  },
  {
    field: "service_tier",
    weight: "hint",
    note: "Left out: the provider's own default holds.",
  },
  { field: "speed", weight: "hint", note: "Left out: the provider's own default holds." },
  {
    field: "inference_geo",
    weight: "content",
    note: "Left out: where the provider computes is set by its base URL.",
  },
  { field: "container", weight: "content", note: "Left out: it is Anthropic's own." },
  {
    field: "mcp_servers",
    weight: "content",
    note: "Left out: the provider would need its own credentials for them.",
  },
  {
    field: "(any other field)",
    weight: "content",
    note: "Any other top-level field is left out, and told by its name.",
  },
] as const satisfies readonly Loss[];

/** The table for documentation: every field once. */
export const RESPONSES_LOSSES: readonly Loss[] = [...LOSSES, ...NESTED_LOSSES];

type LossField = (typeof LOSSES)[number]["field"];

const BY_FIELD: ReadonlyMap<string, Loss> = new Map(LOSSES.map((loss) => [loss.field, loss]));
/** A name of a client's that may stand in a header. */
const PLAIN_NAME = /^\w{1,64}$/;

/** Collects what one request loses. */
export class Lost {
  readonly #isRefusing: boolean;
  readonly #dropped = new Set<string>();
  #unsupported: Unsupported | null = null;

  constructor({ onUnsupported }: Pick<EgressContext, "onUnsupported">) {
    this.#isRefusing = onUnsupported === "refuse";
  }

  /** Notes a loss; a repeated one counts once. */
  add(field: LossField): void {
    this.#add(field, field);
  }

  /** Notes a top-level field that has no place in the other dialect. */
  addTopLevel(name: string): void {
    this.#add(name, BY_FIELD.has(name) ? name : "(any other field)");
  }

  /** A field inside one of the request's own, as the canonical request names it. */
  addNested(name: string): void {
    this.#lose(name, nestedWeight(name), "Left out");
  }

  /** The body with the names of what it lacks, or what cannot be left out. */
  outcome(json: EgressBody["json"]): EgressBody | Unsupported {
    return this.#unsupported ?? { json, dropped: [...this.#dropped] };
  }

  #add(name: string, field: string): void {
    const shown = PLAIN_NAME.test(name) || BY_FIELD.has(name) ? name : field;
    const loss = BY_FIELD.get(field);
    this.#lose(shown, loss?.weight ?? "hint", loss?.note ?? "");
  }

  #lose(shown: string, weight: Loss["weight"], note: string): void {
    this.#dropped.add(shown);
    if (!this.#isRefusing || weight !== "content") return;
    this.#unsupported ??= {
      unsupported: shown,
      message: `${shown} cannot be carried to the OpenAI Responses API · ${note} · leave it out of the request, or set on_unsupported: drop on the route`,
    };
  }
}
