/** Fields inside the fields of a Messages request that other dialects lack: found, named and weighed. */
import type { Loss } from "../egress.ts";

type Json = Readonly<Record<string, unknown>>;

const OTHER_NOTED = "(any other field of a message or tool)";
const OTHER_ASKED = "(any other nested field)";

/** What every translator loses of them, unless it says that it carries one. Each field once. */
export const NESTED_LOSSES: readonly Loss[] = [
  {
    field: "thinking.display",
    weight: "hint",
    note: "Thinking is shown as the provider shows it.",
  },
  {
    field: "output_config.task_budget",
    weight: "hint",
    note: "The model is not told how much it may spend on its task.",
  },
  {
    field: "tools.defer_loading",
    weight: "hint",
    note: "The tool is declared from the beginning.",
  },
  {
    field: "tools.eager_input_streaming",
    weight: "hint",
    note: "Inputs of calls are streamed as the provider streams them.",
  },
  { field: "tools.input_examples", weight: "hint", note: "The model sees the schema alone." },
  {
    field: "tools.allowed_callers",
    weight: "hint",
    note: "There is no code execution that could call: the model calls the tool itself.",
  },
  { field: "tool_use.caller", weight: "hint", note: "Who made an earlier call is left out." },
  {
    field: OTHER_NOTED,
    weight: "hint",
    note: "Anything else in a message, block, tool or metadata is left out under its own name.",
  },
  {
    field: OTHER_ASKED,
    weight: "content",
    note: "Anything else in thinking, output_config or tool_choice is left out under its own name.",
  },
];

const BY_FIELD = new Map(NESTED_LOSSES.map((loss) => [loss.field, loss]));
const ASKS = /^(thinking|output_config|output_format|tool_choice)(\.|$)/;
/** What may stand in a header. */
const PLAIN_NAME = /^\w{1,64}$/;

/** The weight of losing a field that `NestedFields` has found. */
export function nestedWeight(field: string): Loss["weight"] {
  return BY_FIELD.get(field)?.weight ?? (ASKS.test(field) ? "content" : "hint");
}

/** Collects the names of set fields that the canonical form has no place for; each once. */
export class NestedFields {
  readonly #names = new Set<string>();

  get names(): readonly string[] {
    return [...this.#names];
  }

  /** Notes every member of an object beyond the known ones, as "parent.member". */
  beyond(known: ReadonlySet<string>, parent: string, entry: Json): void {
    for (const name in entry) {
      if (known.has(name)) continue;
      const value = entry[name];
      if (value === undefined || value === null) continue;
      this.#names.add(PLAIN_NAME.test(name) ? `${parent}.${name}` : otherOf(parent));
    }
  }

  /** Notes one field by its name. */
  note(name: string): void {
    this.#names.add(name);
  }
}

function otherOf(parent: string): string {
  return ASKS.test(parent) ? OTHER_ASKED : OTHER_NOTED;
}
