/** No field of a request vanishes on its way to another dialect: it is carried, or told as lost. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { TRANSLATORS } from "../../src/providers/doors.ts";
import { NESTED_LOSSES } from "../../src/wire/canonical/nested.ts";
import { readCanonical } from "../../src/wire/canonical/read.ts";
import { isUnsupported, type Egress, type Quirk } from "../../src/wire/egress.ts";

type Json = Record<string, unknown>;

const HOUR = { type: "ephemeral", ttl: "1h" };

/** Has everything that the Messages API takes, and in each place something that it does not know yet. */
const MAXIMAL: Json = {
  stream: true,
  system: [{ type: "text", text: "be brief", novel_of_system: 1 }],
  messages: [
    {
      role: "user",
      novel_of_message: 1,
      content: [
        { type: "text", text: "look", cache_control: HOUR, novel_of_text: 1 },
        {
          type: "image",
          source: { type: "base64", media_type: "image/png", data: "aaaa", novel_of_source: 1 },
          novel_of_image: 1,
        },
        {
          type: "document",
          source: { type: "text", media_type: "text/plain", data: "paper" },
          title: "Paper",
          context: "from the drawer",
          citations: { enabled: true },
        },
      ],
    },
    {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "hm", signature: "EqQBgenuine" },
        { type: "redacted_thinking", data: "EqQBhidden" },
        { type: "text", text: "I see", citations: [{ type: "char_location" }] },
        {
          type: "tool_use",
          id: "t1",
          name: "Read",
          input: { path: "a" },
          caller: { type: "direct" },
        },
        { type: "server_tool_use", id: "s1", name: "web_search", input: {} },
      ],
    },
    {
      role: "user",
      content: [
        {
          type: "tool_result",
          tool_use_id: "t1",
          is_error: true,
          content: "no",
          novel_of_result: 1,
        },
      ],
    },
    { role: "system", content: "a reminder" },
    { role: "user", content: "go on" },
  ],
  tools: [
    {
      type: "custom",
      name: "Read",
      description: "reads",
      input_schema: { type: "object", properties: { path: { type: "string" } } },
      strict: true,
      defer_loading: true,
      eager_input_streaming: true,
      input_examples: [{ path: "b" }],
      allowed_callers: ["code_execution_20250825"],
      novel_of_tool: 1,
    },
    { type: "web_search_20260209", name: "web_search" },
  ],
  tool_choice: { type: "any", disable_parallel_tool_use: true, novel_of_choice: 1 },
  thinking: { type: "enabled", budget_tokens: 5000, display: "summarized", novel_of_thinking: 1 },
  output_config: {
    effort: "low",
    format: { type: "json_schema", schema: { type: "object" }, novel_of_format: 1 },
    task_budget: { type: "tokens", total: 20_000 },
    novel_of_output: 1,
  },
  stop_sequences: ["END"],
  temperature: 0.5,
  top_p: 0.9,
  top_k: 7,
  metadata: { user_id: "u", novel_of_metadata: 1 },
  service_tier: "auto",
  speed: "fast",
  inference_geo: "us",
  context_management: { edits: [] },
  container: "container_1",
  mcp_servers: [{ type: "url", url: "https://m.example", name: "m" }],
  novel: 1,
};

/** Removing these changes nothing, rightly. */
const SAYS_NOTHING = [
  // Where the path says whether to stream.
  /^stream$/,
  // The defaults of a tool, of its schema, and of a document's text.
  /^tools\.0\.(input_schema\.)?type$/,
  /media_type$/,
  // Told with the marker that it stands in.
  /cache_control\.(ttl|type)$/,
];

function* paths(value: unknown, at = ""): Iterable<string> {
  if (typeof value !== "object" || value === null) return;
  for (const [name, part] of Object.entries(value)) {
    const path = at === "" ? name : `${at}.${name}`;
    if (!Array.isArray(value)) yield path;
    yield* paths(part, path);
  }
}

function without(value: unknown, path: readonly string[]): unknown {
  const [name = "", ...rest] = path;
  if (Array.isArray(value) && rest.length === 0)
    return value.filter((_, index) => String(index) !== name) as unknown[];
  if (Array.isArray(value))
    return value.map((part, index) =>
      String(index) === name ? without(part, rest) : (part as unknown),
    );
  const entries = Object.entries(value as Json);
  if (rest.length === 0) return Object.fromEntries(entries.filter(([key]) => key !== name));
  return Object.fromEntries(
    entries.map(([key, part]) => [key, key === name ? without(part, rest) : part]),
  );
}

interface Made {
  readonly json: unknown;
  readonly dropped: readonly string[];
}

/** Null where what is left is no request. */
function made(egress: Egress, body: unknown, model: string): Made | null {
  const canonical = readCanonical(body);
  if ("problem" in canonical) return null;
  const result = egress.request(canonical, {
    model,
    maxTokens: 9000,
    quirks: new Set<Quirk>(),
    onUnsupported: "drop",
  });
  assert(!isUnsupported(result));
  return { json: result.json, dropped: result.dropped.toSorted() };
}

const CASES = [
  ["bedrock-converse", "anthropic.claude-opus-4-6"],
  ["bedrock-converse", "amazon.nova-pro-v1:0"],
  ["openai-chat", "gpt-5.4"],
  ["openai-responses", "gpt-5.4"],
  ["gemini", "gemini-3-pro"],
] as const;

for (const [format, model] of CASES) {
  test(`${format} to ${model}: every field is carried or told`, () => {
    const egress = TRANSLATORS[format];
    const whole = made(egress, MAXIMAL, model);
    assert(whole !== null);
    const restOf = (path: readonly string[]) => made(egress, without(MAXIMAL, path), model);
    /** Something around it is lost as a whole, and told. */
    const isToldWhole = (path: readonly string[]): boolean =>
      path.slice(1).some((_, depth) => {
        const rest = restOf(path.slice(0, depth + 1));
        return isDeepStrictEqual(rest?.json, whole.json) && !isDeepStrictEqual(rest, whole);
      });
    const vanished = [...paths(MAXIMAL)].filter((path) => {
      if (SAYS_NOTHING.some((pattern) => pattern.test(path))) return false;
      const steps = path.split(".");
      return isDeepStrictEqual(restOf(steps), whole) && !isToldWhole(steps);
    });
    assert.deepEqual(vanished, []);
  });

  test(`${format} to ${model}: a marker for the whole body is told`, () => {
    const body = { messages: [], cache_control: { type: "ephemeral" } };
    assert.deepEqual(made(TRANSLATORS[format], body, model)?.dropped, ["cache_control"]);
  });

  test(`${format} to ${model}: what it tells stands in its table, or has its own name`, () => {
    const egress: Egress = TRANSLATORS[format];
    const listed = new Set(egress.losses.map(({ field }) => field));
    for (const { field } of NESTED_LOSSES) assert(listed.has(field), field);
    assert.equal(listed.size, egress.losses.length);
    for (const field of made(egress, MAXIMAL, model)?.dropped ?? [])
      assert(listed.has(field) || /novel/.test(field) || field in MAXIMAL, field);
  });
}

test("a name that cannot stand in a header is told by its kind", () => {
  const body = {
    messages: [{ role: "user", content: "x", "no\nheader": 1 }],
    thinking: { type: "adaptive", ü: 1 },
  };
  const canonical = readCanonical(body);
  assert(!("problem" in canonical));
  assert.deepEqual(canonical.nested, [
    "(any other field of a message or tool)",
    "(any other nested field)",
  ]);
});

test("an hour's cache is carried to Claude from 4.5 on", () => {
  const point = (model: string) =>
    JSON.stringify(made(TRANSLATORS["bedrock-converse"], MAXIMAL, model)?.json).includes(
      '"ttl":"1h"',
    );
  assert(point("eu.anthropic.claude-haiku-4-5-20251001-v1:0"));
  assert(point("anthropic.claude-opus-5"));
  assert(!point("anthropic.claude-opus-4-1-20250805-v1:0"));
  assert(!point("us.anthropic.claude-3-7-sonnet-20250219-v1:0"));
});
