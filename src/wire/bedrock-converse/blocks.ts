/** Writes a conversation as Converse has it: two roles in turn, each with its content blocks. */
import { createHash } from "node:crypto";
import type {
  Block as CanonicalBlock,
  DocumentBlock,
  ImageBlock,
  ResultPart,
  ThinkingBlock,
  ToolResultBlock,
  Turn,
} from "../canonical/request.ts";
import { isForeignThinking } from "../canonical/foreign.ts";
import type { Block, Draft } from "./draft.ts";

interface Message {
  readonly role: "user" | "assistant";
  readonly content: Block[];
}

const IMAGE_FORMATS: Readonly<Record<string, string>> = {
  "image/png": "png",
  "image/jpeg": "jpeg",
  "image/gif": "gif",
  "image/webp": "webp",
};

const DOCUMENT_FORMATS: Readonly<Record<string, string>> = {
  "application/pdf": "pdf",
  "text/plain": "txt",
  "text/csv": "csv",
  "text/html": "html",
  "text/markdown": "md",
  "application/msword": "doc",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
  "application/vnd.ms-excel": "xls",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
};

/** Bedrock takes a failed result only with content. */
const NOTHING_TO_SHOW = "(no output)";

/**
 * The messages, neighbours of one role merged. Source: Amazon Bedrock API reference, Message,
 * ContentBlock, ToolResultBlock, ReasoningContentBlock, DocumentBlock, 2026-11.
 */
export function writeMessages(turns: readonly Turn[], draft: Draft): readonly Message[] {
  const messages: Message[] = [];
  for (const turn of turns) {
    const role = turn.role === "assistant" ? "assistant" : "user";
    const last = messages.at(-1);
    const content = last?.role === role ? last.content : [];
    if (turn.role === "system") draft.losing.lose("messages.role");
    for (const block of turn.blocks) {
      const written = writeBlock(block, turn, draft);
      if (written !== null) content.push(written);
      const marker = markerOf(block);
      if (marker !== null) draft.cacheHere(content, "messages", marker.ttl);
    }
    if (content.length > 0 && last?.content !== content) messages.push({ role, content });
  }
  return messages;
}

function writeBlock(block: CanonicalBlock, turn: Turn, draft: Draft): Block | null {
  switch (block.type) {
    case "text":
      if (block.cited) draft.losing.lose("text.citations");
      // Bedrock refuses blank texts, and they say nothing.
      if (block.text.trim() === "") return null;
      return { text: turn.role === "system" ? `<system>\n${block.text}\n</system>` : block.text };
    case "image":
      return writeImage(block, draft);
    case "document":
      return writeDocument(block, draft);
    case "tool_use":
      return { toolUse: { toolUseId: callId(block.id), name: block.name, input: block.input } };
    case "tool_result":
      return writeToolResult(block, draft);
    case "thinking":
      return writeThinking(block, draft);
    case "redacted_thinking":
      if (draft.isClaude && !isForeignThinking(block))
        return { reasoningContent: { redactedContent: block.data } };
      draft.losing.lose("redacted_thinking");
      return null;
    case "other":
      draft.losing.lose("messages.content", block.name);
      return null;
  }
}

/** The block's own cache marker, or one inside a result; an hour's where there is any. */
function markerOf(block: CanonicalBlock): { readonly ttl?: "1h" } | null {
  if (!("cached" in block)) return null;
  const inside = block.type === "tool_result" ? block.parts.map(markerOf) : [];
  const own = block.cached ? block : null;
  const markers = [own, ...inside].filter((marker) => marker !== null);
  return markers.find(({ ttl }) => ttl !== undefined) ?? markers[0] ?? null;
}

function writeThinking(block: ThinkingBlock, draft: Draft): Block | null {
  const { text, signature } = block;
  if (!draft.isClaude) draft.losing.lose("thinking.thinking");
  else if (isForeignThinking(block)) draft.losing.lose("thinking.signature");
  else return { reasoningContent: { reasoningText: { text, signature } } };
  return null;
}

function writeImage({ source }: ImageBlock, draft: Draft): Block | null {
  if (draft.has("no-images")) {
    draft.losing.lose("image");
    return null;
  }
  const format = source.kind === "base64" ? formatOf(IMAGE_FORMATS, source.mediaType) : null;
  if (source.kind !== "base64" || format === null) {
    draft.losing.lose("image.source", source.kind === "base64" ? source.mediaType : source.kind);
    return null;
  }
  return { image: { format, source: { bytes: source.data } } };
}

function writeDocument(block: DocumentBlock, draft: Draft): Block | null {
  if (draft.has("no-documents")) {
    draft.losing.lose("document");
    return null;
  }
  const file = fileOf(block);
  if (file === null) {
    const { source } = block;
    draft.losing.lose("document.source", source.kind === "base64" ? source.mediaType : source.kind);
    return null;
  }
  if (block.cites) draft.losing.lose("document.citations");
  const context = block.context === null ? {} : { context: block.context };
  const { format, bytes } = file;
  return {
    document: { format, name: draft.documentName(block.title), source: { bytes }, ...context },
  };
}

/** In Converse a text is a file like any other. */
function fileOf({
  source,
}: DocumentBlock): { readonly format: string; readonly bytes: string } | null {
  if (source.kind === "text")
    return { format: "txt", bytes: Buffer.from(source.text).toString("base64") };
  if (source.kind !== "base64") return null;
  const format = formatOf(DOCUMENT_FORMATS, source.mediaType);
  return format === null ? null : { format, bytes: source.data };
}

function formatOf(formats: Readonly<Record<string, string>>, mediaType: string): string | null {
  return Object.hasOwn(formats, mediaType) ? (formats[mediaType] ?? null) : null;
}

const CALL_ID = /^[\w-]{1,64}$/;

/** Ids come from any door of the session; Bedrock takes 64 letters, digits, _ and -. */
function callId(id: string): string {
  return CALL_ID.test(id)
    ? id
    : `call_${createHash("sha256").update(id).digest("hex").slice(0, 32)}`;
}

function writeToolResult(block: ToolResultBlock, draft: Draft): Block {
  const content: Block[] = [];
  for (const part of block.parts) {
    const written = writePart(part, draft);
    if (written !== null) content.push(written);
  }
  if (block.isError && content.length === 0) content.push({ text: NOTHING_TO_SHOW });
  const status = block.isError ? { status: "error" } : {};
  return { toolResult: { toolUseId: callId(block.toolUseId), content, ...status } };
}

function writePart(part: ResultPart, draft: Draft): Block | null {
  switch (part.type) {
    case "text":
      if (part.cited) draft.losing.lose("text.citations");
      return { text: part.text };
    case "image":
      return writeImage(part, draft);
    case "document":
      return writeDocument(part, draft);
    case "other":
      draft.losing.lose("messages.content", part.name);
      return null;
  }
}
