/** How many tokens a request's input may have, where nobody counts it. */
import type { Block, CanonicalRequest, ResultPart, Source } from "./request.ts";

/** English text and code have three to four bytes a token: the lower figure errs upwards. */
const BYTES_A_TOKEN = 3;
/** What Anthropic charges for a picture of the largest size that it does not shrink. */
const IMAGE_TOKENS = 1_600;
/** A page of PDF is 1,500 to 3,000 tokens and some 60 kB of base64. */
const DOCUMENT_BYTES_A_TOKEN = 24;
/** The framing of a turn, and of a tool. */
const FRAME_TOKENS = 8;

/** An estimate, neither bound nor count; for clients that ask how full their context is. */
export function estimatedInputTokens(request: CanonicalRequest): number {
  const { system, turns, tools } = request;
  let tokens = FRAME_TOKENS * (turns.length + tools.length + 1);
  for (const { text } of system) tokens += ofText(text);
  for (const { blocks } of turns) for (const block of blocks) tokens += ofBlock(block);
  for (const { name, description, schema } of tools)
    tokens += ofText(name) + ofText(description ?? "") + ofText(JSON.stringify(schema));
  return tokens;
}

function ofText(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_A_TOKEN);
}

function ofBlock(block: Block | ResultPart): number {
  switch (block.type) {
    case "text":
    case "thinking":
      return ofText(block.text);
    case "image":
      return IMAGE_TOKENS;
    case "document":
      return ofText(block.title ?? "") + ofText(block.context ?? "") + ofDocument(block.source);
    case "tool_use":
      return FRAME_TOKENS + ofText(block.name) + ofText(JSON.stringify(block.input));
    case "tool_result":
      return block.parts.reduce((sum, part) => sum + ofBlock(part), FRAME_TOKENS);
    case "redacted_thinking":
      return ofText(block.data);
    case "other":
      return 0;
  }
}

function ofDocument(source: Source): number {
  if (source.kind === "text") return ofText(source.text);
  return source.kind === "base64" ? Math.ceil(source.data.length / DOCUMENT_BYTES_A_TOKEN) : 0;
}
