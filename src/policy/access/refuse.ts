/** The sentence of a refusal by a scope's rule: what is not allowed, whose rule it is, what to do. */
import { refusal, type Refusal, type RefusalCode } from "../../core/refusal.ts";
import { nameOf, titleOf } from "./chain.ts";
import type { AccessSubject, Objection } from "./judge.ts";

const VALUE_CHARACTERS_MAX = 100;

interface Wording {
  readonly code: RefusalCode;
  readonly what: (value: string) => string;
  /** What it is where it cannot be read. */
  readonly hidden: string;
  readonly remedy: string;
}

const TO_ALLOW = "ask your platform team to allow it";

const WORDINGS: Readonly<Record<AccessSubject, Wording>> = {
  models: {
    code: "model_not_allowed",
    what: (model) => `Model ${model}`,
    hidden: "A model that the provider chooses",
    remedy: `choose another with /model, or ${TO_ALLOW}`,
  },
  providers: {
    code: "provider_not_allowed",
    what: (provider) => `Provider ${provider}`,
    hidden: "A provider",
    remedy: `choose a model of another provider with /model, or ${TO_ALLOW}`,
  },
  server_tools: {
    code: "tool_not_allowed",
    what: (tool) => `The tool ${tool}`,
    hidden: "A tool that cannot be read",
    remedy: `switch it off, or ${TO_ALLOW}`,
  },
  networks: {
    code: "request_not_allowed",
    what: (address) => `A request from ${address}`,
    hidden: "A request from an unknown address",
    remedy: `connect from another network, or ${TO_ALLOW}`,
  },
  dialects: {
    code: "request_not_allowed",
    what: (dialect) => `A request in the dialect ${dialect}`,
    hidden: "A request in an unknown dialect",
    remedy: TO_ALLOW,
  },
  task_types: {
    code: "request_not_allowed",
    what: (task) => `A task of type ${task}`,
    hidden: "A task of an unknown type",
    remedy: TO_ALLOW,
  },
  betas: {
    code: "request_not_allowed",
    what: (beta) => `The beta ${beta}`,
    hidden: "A body with betas of its own",
    remedy: `take it out of ANTHROPIC_BETAS, or ${TO_ALLOW}`,
  },
  headers: {
    code: "request_not_allowed",
    what: (name) => `A request with the header ${name}`,
    hidden: "A header",
    remedy: `take it out of ANTHROPIC_CUSTOM_HEADERS, or ${TO_ALLOW}`,
  },
  hours: {
    code: "request_not_allowed",
    what: (time) => `A request at ${time}`,
    hidden: "A request at this hour",
    remedy: `come back within the hours, or ${TO_ALLOW}`,
  },
};

/** The refusal of an objection, for a key's client. */
export function refusalBy({ about, value, level, rule }: Objection, virtualKey: string): Refusal {
  const { code, what, hidden, remedy } = WORDINGS[about];
  const named = value === null ? hidden : what(value.slice(0, VALUE_CHARACTERS_MAX));
  const message = `${named} is not allowed for key ${virtualKey} by ${titleOf(level)} (${rule}); ${remedy}.`;
  return { ...refusal(code, message), by: nameOf(level) };
}
