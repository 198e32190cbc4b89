/** A short answer in the wire formats of two doors, in pieces of which lies are made. */

export const DOORS = ["Messages", "chat completions"] as const;
export type DoorName = (typeof DOORS)[number];

/** A door's own wire format, with "from the liar" as its content: 10 tokens of input, 5 of output. */
export interface Words {
  readonly whole: (counts?: Counts | null) => string;
  /** What comes before the content. */
  readonly opening: () => string;
  readonly content: () => string;
  readonly closing: (counts?: Counts | null) => string;
  readonly error: () => string;
}

export interface Counts {
  readonly input: unknown;
  readonly output: unknown;
}

const COUNTS: Counts = { input: 10, output: 5 };
const CONTENT = "from the liar";
const MODEL = "claude-opus-5-5";

const messagesUsage = ({ input, output }: Counts) => ({
  input_tokens: input,
  output_tokens: output,
});

const messages: Words = {
  whole: (counts = COUNTS) =>
    JSON.stringify({
      id: "msg_lying",
      type: "message",
      role: "assistant",
      model: MODEL,
      content: [{ type: "text", text: CONTENT }],
      stop_reason: "end_turn",
      stop_sequence: null,
      ...(counts === null ? {} : { usage: messagesUsage(counts) }),
    }),
  opening: () => {
    const usage = messagesUsage({ input: 10, output: 1 });
    const message = {
      id: "msg_lying",
      type: "message",
      role: "assistant",
      model: MODEL,
      content: [],
      usage,
    };
    return named("message_start", { message });
  },
  content: () =>
    named("content_block_start", { index: 0, content_block: { type: "text", text: "" } }) +
    named("content_block_delta", { index: 0, delta: { type: "text_delta", text: CONTENT } }),
  closing: (counts = COUNTS) =>
    named("content_block_stop", { index: 0 }) +
    named("message_delta", {
      delta: { stop_reason: "end_turn", stop_sequence: null },
      ...(counts === null ? {} : { usage: messagesUsage(counts) }),
    }) +
    named("message_stop", {}),
  error: () =>
    JSON.stringify({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } }),
};

const chatUsage = ({ input, output }: Counts) => ({
  prompt_tokens: input,
  completion_tokens: output,
});

const chat: Words = {
  whole: (counts = COUNTS) =>
    JSON.stringify({
      id: "chatcmpl-lying",
      object: "chat.completion",
      model: "gpt-5.2",
      choices: [
        { index: 0, message: { role: "assistant", content: CONTENT }, finish_reason: "stop" },
      ],
      ...(counts === null ? {} : { usage: chatUsage(counts) }),
    }),
  opening: () =>
    chunk({ role: "assistant", content: "" }, null, chatUsage({ input: 10, output: 0 })),
  content: () => chunk({ content: CONTENT }, null),
  closing: (counts = COUNTS) =>
    `${chunk({}, "stop", counts === null ? null : chatUsage(counts))}data: [DONE]\n\n`,
  error: () =>
    JSON.stringify({ error: { type: "server_error", code: null, message: "Overloaded" } }),
};

export const WORDS: Readonly<Record<DoorName, Words>> = {
  Messages: messages,
  "chat completions": chat,
};

function named(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}

function chunk(delta: object, reason: string | null, usage: object | null = null): string {
  const choices = [{ index: 0, delta, finish_reason: reason }];
  const object = {
    id: "chatcmpl-lying",
    object: "chat.completion.chunk",
    model: "gpt-5.2",
    choices,
    usage,
  };
  return `data: ${JSON.stringify(object)}\n\n`;
}
