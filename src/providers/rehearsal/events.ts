/** An answer as the server-sent events of a Messages stream. */
import type { Answer, AnswerBlock } from "./message.ts";

/** Characters of one delta: six tokens or so. */
const DELTA_CHARACTERS = 24;

type EventData = { readonly type: string } & Readonly<Record<string, unknown>>;

/** One buffer an event, in order. `message_start` counts one token of output, as the real API does. */
export function eventsOf(answer: Answer): readonly Buffer[] {
  const { usage } = answer;
  const opening = { ...usage, output_tokens: 1, output_tokens_details: { thinking_tokens: 0 } };
  const message = { ...answer, content: [], stop_reason: null, usage: opening };
  const { stop_reason, stop_sequence } = answer;
  const events: readonly EventData[] = [
    { type: "message_start", message },
    { type: "ping" },
    ...answer.content.flatMap((block, index) => blockEvents(block, index)),
    { type: "message_delta", delta: { stop_reason, stop_sequence }, usage },
    { type: "message_stop" },
  ];
  return events.map((data) =>
    Buffer.from(`event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`),
  );
}

function blockEvents(block: AnswerBlock, index: number): readonly EventData[] {
  const deltas = deltasOf(block).map((delta) => ({ type: "content_block_delta", index, delta }));
  return [
    { type: "content_block_start", index, content_block: emptied(block) },
    ...deltas,
    { type: "content_block_stop", index },
  ];
}

function emptied(block: AnswerBlock): AnswerBlock {
  switch (block.type) {
    case "thinking":
      return { ...block, thinking: "", signature: "" };
    case "text":
      return { ...block, text: "" };
    case "tool_use":
      return { ...block, input: {} };
  }
}

function deltasOf(block: AnswerBlock): readonly EventData[] {
  switch (block.type) {
    case "thinking":
      return [
        ...piecesOf(block.thinking).map((thinking) => ({ type: "thinking_delta", thinking })),
        { type: "signature_delta", signature: block.signature },
      ];
    case "text":
      return piecesOf(block.text).map((text) => ({ type: "text_delta", text }));
    case "tool_use":
      return ["", ...piecesOf(JSON.stringify(block.input))].map((partial_json) => ({
        type: "input_json_delta",
        partial_json,
      }));
  }
}

/** By code points, so that no character is cut in two. */
function piecesOf(text: string): readonly string[] {
  const characters = Array.from(text);
  const count = Math.ceil(characters.length / DELTA_CHARACTERS);
  return Array.from({ length: count }, (_, piece) =>
    characters.slice(piece * DELTA_CHARACTERS, (piece + 1) * DELTA_CHARACTERS).join(""),
  );
}
