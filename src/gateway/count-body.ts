/** Makes the body of a count out of a Messages body: the counted fields' own bytes in a new object. */
import type { ByteRange, FieldName, MessagesBody } from "../wire/anthropic/body.ts";
import { spliceBody } from "../wire/anthropic/splice.ts";

/** What `count_tokens` takes of a Messages body; other fields make it refuse. */
const COUNTED_FIELDS: readonly FieldName[] = [
  "model",
  "system",
  "messages",
  "tools",
  "tool_choice",
  "thinking",
  "output_config",
];

/** The counted fields with the provider's name for the model, and `more`: JSON texts by name. */
export function countedFields(
  of: {
    readonly body: MessagesBody;
    readonly chunks: readonly Buffer[];
    readonly model: string;
  },
  more: Readonly<Record<string, string>>,
): Buffer[] {
  const { body, chunks, model } = of;
  const parts: Buffer[] = [];
  const begin = (name: string) =>
    parts.push(Buffer.from(`${parts.length === 0 ? "{" : ","}"${name}":`));
  for (const name of COUNTED_FIELDS) {
    const range = body.fields[name];
    if (range === undefined) continue;
    begin(name);
    if (name === "model" && model !== body.model) parts.push(Buffer.from(JSON.stringify(model)));
    else parts.push(...bytesOf(range, body, chunks));
  }
  for (const [name, json] of Object.entries(more)) {
    begin(name);
    parts.push(Buffer.from(json));
  }
  return [...parts, Buffer.from("}")];
}

function bytesOf(range: ByteRange, body: MessagesBody, chunks: readonly Buffer[]): Buffer[] {
  return spliceBody(chunks, [
    { start: 0, end: range.start, text: "" },
    { start: range.end, end: body.byteLength, text: "" },
  ]);
}
