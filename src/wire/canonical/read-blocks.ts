/** Reads the content of a message: one text, or a list of blocks. */
import { isObject } from "../anthropic/value.ts";
import type { Block, DocumentBlock, ResultPart, Source, ToolResultBlock } from "./request.ts";

type Json = Readonly<Record<string, unknown>>;

/** What of a body cannot be read: a path such as "messages.3.content.0", and what is wrong there. */
export interface Fault {
  readonly field: string;
  readonly problem: string;
}

/** The blocks of a `content` or `system`; `field` is its path. */
export function readBlocks(
  content: unknown,
  field: string,
): { readonly blocks: readonly Block[] } | Fault {
  if (typeof content === "string") return { blocks: content === "" ? [] : [plainText(content)] };
  if (!Array.isArray(content)) return { field, problem: "is neither a text nor a list of blocks" };
  const blocks: Block[] = [];
  for (const [index, entry] of content.entries()) {
    const path = `${field}.${index}`;
    if (!isObject(entry)) return { field: path, problem: "is no block" };
    const block = readBlock(entry, path);
    if ("field" in block) return block;
    blocks.push(block);
  }
  return { blocks };
}

function plainText(text: string): Block {
  return { type: "text", text, cached: false, cited: false };
}

function readBlock(entry: Json, field: string): Block | Fault {
  const cached = isMarked(entry);
  switch (entry["type"]) {
    case "text": {
      const text = entry["text"];
      if (typeof text !== "string") return { field: `${field}.text`, problem: "is no text" };
      const citations = entry["citations"];
      const cited = Array.isArray(citations) && citations.length > 0;
      return { type: "text", text, cached, cited };
    }
    case "image": {
      const source = readSource(entry["source"]);
      if (source === null) return { field: `${field}.source`, problem: "is of no known kind" };
      return { type: "image", source, cached };
    }
    case "document":
      return readDocument(entry, field);
    case "tool_use":
      return readToolUse(entry, field);
    case "tool_result":
      return readToolResult(entry, field);
    case "thinking":
      return {
        type: "thinking",
        text: textOr(entry["thinking"], ""),
        signature: textOr(entry["signature"], ""),
      };
    case "redacted_thinking":
      return { type: "redacted_thinking", data: textOr(entry["data"], "") };
    default:
      return { type: "other", name: textOr(entry["type"], "unnamed") };
  }
}

function readDocument(entry: Json, field: string): DocumentBlock | Fault {
  const source = readSource(entry["source"]);
  if (source === null) return { field: `${field}.source`, problem: "is of no known kind" };
  const citations = entry["citations"];
  return {
    type: "document",
    source,
    title: typeof entry["title"] === "string" ? entry["title"] : null,
    context: typeof entry["context"] === "string" ? entry["context"] : null,
    cites: isObject(citations) && citations["enabled"] === true,
    cached: isMarked(entry),
  };
}

function readToolUse(entry: Json, field: string): Block | Fault {
  const { id, name, input } = entry;
  if (typeof id !== "string") return { field: `${field}.id`, problem: "is no text" };
  if (typeof name !== "string") return { field: `${field}.name`, problem: "is no text" };
  if (!isObject(input)) return { field: `${field}.input`, problem: "is no object" };
  return { type: "tool_use", id, name, input, cached: isMarked(entry) };
}

function readToolResult(entry: Json, field: string): ToolResultBlock | Fault {
  const id = entry["tool_use_id"];
  if (typeof id !== "string") return { field: `${field}.tool_use_id`, problem: "is no text" };
  const content = entry["content"] ?? [];
  const read = readBlocks(content, `${field}.content`);
  if ("field" in read) return read;
  const parts = read.blocks.map((block): ResultPart => {
    const fits = block.type === "text" || block.type === "image" || block.type === "document";
    if (fits || block.type === "other") return block;
    return { type: "other", name: block.type };
  });
  const isError = entry["is_error"] === true;
  return { type: "tool_result", toolUseId: id, isError, parts, cached: isMarked(entry) };
}

function readSource(source: unknown): Source | null {
  if (!isObject(source)) return null;
  const { data, url, file_id: id } = source;
  switch (source["type"]) {
    case "base64":
      if (typeof data !== "string") return null;
      return { kind: "base64", mediaType: textOr(source["media_type"], ""), data };
    case "url":
      return typeof url === "string" ? { kind: "url", url } : null;
    case "text":
      return typeof data === "string" ? { kind: "text", text: data } : null;
    case "content":
      return readContentSource(source["content"]);
    case "file":
      return typeof id === "string" ? { kind: "file", id } : null;
    default:
      return null;
  }
}

/** A document made of text blocks is its text. */
function readContentSource(content: unknown): Source | null {
  if (typeof content === "string") return { kind: "text", text: content };
  const read = readBlocks(content, "content");
  if ("field" in read) return null;
  const texts = read.blocks.map((block) => (block.type === "text" ? block.text : null));
  return texts.includes(null) ? null : { kind: "text", text: texts.join("\n\n") };
}

function isMarked(entry: Json): boolean {
  return entry["cache_control"] !== undefined && entry["cache_control"] !== null;
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}
