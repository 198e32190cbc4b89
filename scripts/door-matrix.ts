/** What each door can, and the tests that show it: the source of docs/reference/doors.md. */

/** `refused`: or left out, where the route says `on_unsupported: drop`. */
export type Says = "yes" | "in words" | "left out" | "refused" | "estimated";

export interface Shown {
  readonly says: Says;
  /** Names of tests, below their files; at least one. */
  readonly tests: readonly string[];
}

/** Null: untested. */
export type Cell = Shown | null;

export interface MatrixDoor {
  readonly name: string;
  /** A kind of the catalogue, one of its doors, and a model that goes through it. */
  readonly kind: string;
  readonly door: string;
  readonly model: string;
}

export const MATRIX_DOORS = [
  { name: "anthropic", kind: "anthropic", door: "messages", model: "claude-opus-5-5" },
  {
    name: "claude-platform-aws",
    kind: "claude-platform-aws",
    door: "messages",
    model: "claude-opus-5-5",
  },
  { name: "bedrock-invoke", kind: "bedrock", door: "invoke", model: "claude-opus-5-5" },
  { name: "bedrock-converse", kind: "bedrock", door: "converse", model: "claude-opus-5-5" },
  { name: "vertex", kind: "vertex", door: "anthropic", model: "claude-opus-5-5" },
  { name: "azure-foundry", kind: "azure-foundry", door: "messages", model: "claude-opus-5-5" },
  { name: "openai-chat", kind: "openai", door: "chat", model: "gpt-6-sol" },
  { name: "openai-responses", kind: "openai", door: "responses", model: "gpt-6-sol" },
  { name: "azure-openai", kind: "azure-openai", door: "responses", model: "gpt-6-sol" },
  { name: "gemini", kind: "gemini", door: "gemini", model: "gemini-3.1-pro" },
] as const satisfies readonly MatrixDoor[];

export type DoorName = (typeof MATRIX_DOORS)[number]["name"];

export const CAPABILITIES = [
  "text",
  "streaming",
  "images",
  "documents",
  "tools",
  "parallel tools",
  "tool errors",
  "images in results",
  "thinking round trip",
  "structured output",
  "stop sequences",
  "cache markers",
  "usage with cached tokens",
  "errors",
  "count_tokens",
  "pings",
  "fail-over",
  "Claude Code session",
] as const;

export type Capability = (typeof CAPABILITIES)[number];

/** How each of these reaches the provider; `tests/docs/door-requests.test.ts` asserts it of every door. */
export const REQUEST_CAPABILITIES = [
  "text",
  "streaming",
  "images",
  "documents",
  "tools",
  "parallel tools",
  "tool errors",
  "images in results",
  "thinking round trip",
  "structured output",
  "stop sequences",
  "cache markers",
] as const satisfies readonly Capability[];

export type RequestCapability = (typeof REQUEST_CAPABILITIES)[number];

type Exceptions = Partial<Record<RequestCapability, Says>>;

const OPENAI_RESPONSES: Exceptions = {
  "tool errors": "in words",
  "stop sequences": "refused",
  "cache markers": "left out",
};

/** Where a request does not reach the provider as it is meant. */
const EXCEPTIONS: Partial<Record<DoorName, Exceptions>> = {
  "openai-chat": {
    "tool errors": "in words",
    "thinking round trip": "left out",
    "cache markers": "left out",
  },
  "openai-responses": OPENAI_RESPONSES,
  "azure-openai": OPENAI_RESPONSES,
  gemini: { "cache markers": "left out" },
};

/** What becomes of a request's part at a door. */
export function requestSays(door: DoorName, capability: RequestCapability): Says {
  return EXCEPTIONS[door]?.[capability] ?? "yes";
}

/** The name of the test that asserts it. */
export function requestTest(door: DoorName, capability: RequestCapability): string {
  return `${door}: ${capability}`;
}
