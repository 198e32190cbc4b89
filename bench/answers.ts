/** What the scripted upstream answers: one JSON document, or the 100 events of one stream. */

export const EVENTS_PER_STREAM = 100;

/** What the upstream reports of a request, but for the output. */
const INPUT_USAGE = {
  input_tokens: 12,
  cache_creation_input_tokens: 812,
  cache_read_input_tokens: 21_233,
  cache_creation: { ephemeral_5m_input_tokens: 812, ephemeral_1h_input_tokens: 0 },
} as const;
const WORDS = { service_tier: "standard", inference_geo: "global" } as const;

const MESSAGE = {
  model: "claude-sonnet-5-5",
  id: "msg_01XFDUDYJgAACzvnptvVoYEL",
  type: "message",
  role: "assistant",
} as const;

/** About 0.7 kB. */
export const JSON_ANSWER = JSON.stringify({
  ...MESSAGE,
  content: [
    { type: "text", text: "I will read the file that loads the settings first, then the writer." },
    {
      type: "tool_use",
      id: "toolu_01A09q90qw90lq917835lq9",
      name: "Read",
      input: { file_path: "/srv/project/src/settings/load.ts" },
    },
  ],
  stop_reason: "tool_use",
  stop_sequence: null,
  usage: { ...INPUT_USAGE, output_tokens: 104, ...WORDS },
});

/** Server-sent events, each with its blank line; about 13.9 kB together. */
export const STREAM_EVENTS: readonly string[] = [
  event("message_start", {
    message: {
      ...MESSAGE,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: { ...INPUT_USAGE, output_tokens: 1, ...WORDS },
    },
  }),
  event("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
  ...Array.from({ length: EVENTS_PER_STREAM - 5 }, () =>
    event("content_block_delta", {
      index: 0,
      delta: { type: "text_delta", text: " the settings" },
    }),
  ),
  event("content_block_stop", { index: 0 }),
  event("message_delta", {
    delta: { stop_reason: "end_turn", stop_sequence: null },
    usage: { ...INPUT_USAGE, output_tokens: 412 },
  }),
  event("message_stop", {}),
];

function event(name: string, fields: object): string {
  return `event: ${name}\ndata: ${JSON.stringify({ type: name, ...fields })}\n\n`;
}
