/** Reads the content of a message: one text, or a list of blocks. */
import { isObject } from "../anthropic/value.ts";
import type { NestedFields } from "./nested.ts";
import type { Block, DocumentBlock, ResultPart, Source, ToolResultBlock } from "./request.ts";

type Json = Readonly<Record<string, unknown>>;

/** What of a body cannot be read: a path such as "messages.3.content.0", and what is wrong there. */
export interface Fault {
  readonly field: string;
  readonly problem: string;
}

/** What each type of block is known to have. */
const KNOWN: ReadonlyMap<unknown, ReadonlySet<string>> = new Map(
  Object.entries({
    text: ["text", "citations", "cache_control"],
    image: ["source", "cache_control"],
    document: ["source", "title", "context", "citations", "cache_control"],
    tool_use: ["id", "name", "input", "cache_control"],
    tool_result: ["tool_use_id", "is_error", "content", "cache_control"],
    thinking: ["thinking", "signature"],
    redacted_thinking: ["data"],
  }).map(([type, names]) => [type, new Set(["type", ...names])]),
);
const KNOWN_SOURCE = new Set(["type", "data", "media_type", "url", "content", "file_id"]);

/** The blocks of a `content` or `system`; `field` is its path. Unknown fields are noted in `nested`. */
export function readBlocks(
  content: unknown,
  field: string,
  nested: NestedFields,
): { readonly blocks: readonly Block[] } | Fault {
  if (typeof content === "string") return { blocks: content === "" ? [] : [plainText(content)] };
  if (!Array.isArray(content)) return { field, problem: "is neither a text nor a list of blocks" };
  const blocks: Block[] = [];
  for (const [index, entry] of content.entries()) {
    const path = `${field}.${index}`;
    if (!isObject(entry)) return { field: path, problem: "is no block" };
    const block = readBlock(entry, path, nested);
    if ("field" in block) return block;
    blocks.push(block);
  }
  return { blocks };
}

function plainText(text: string): Block {
  return { type: "text", text, cached: false, cited: false };
}

function readBlock(entry: Json, field: string, nested: NestedFields): Block | Fault {
  const marker = markerOf(entry);
  const known = KNOWN.get(entry["type"]);
  if (known !== undefined) nested.beyond(known, String(entry["type"]), entry);
  const { source } = entry;
  if (known?.has("source") === true && isObject(source))
    nested.beyond(KNOWN_SOURCE, `${String(entry["type"])}.source`, source);
  switch (entry["type"]) {
    case "text": {
      const text = entry["text"];
      if (typeof text !== "string") return { field: `${field}.text`, problem: "is no text" };
      const citations = entry["citations"];
      const cited = Array.isArray(citations) && citations.length > 0;
      return { type: "text", text, ...marker, cited };
    }
    case "image": {
      const read = readSource(source, nested);
      if (read === null) return { field: `${field}.source`, problem: "is of no known kind" };
      return { type: "image", source: read, ...marker };
    }
    case "document":
      return readDocument(entry, field, nested);
    case "tool_use":
      return readToolUse(entry, field);
    case "tool_result":
      return readToolResult(entry, field, nested);
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

function readDocument(entry: Json, field: string, nested: NestedFields): DocumentBlock | Fault {
  const source = readSource(entry["source"], nested);
  if (source === null) return { field: `${field}.source`, problem: "is of no known kind" };
  const citations = entry["citations"];
  return {
    type: "document",
    source,
    title: typeof entry["title"] === "string" ? entry["title"] : null,
    context: typeof entry["context"] === "string" ? entry["context"] : null,
    cites: isObject(citations) && citations["enabled"] === true,
    ...markerOf(entry),
  };
}

function readToolUse(entry: Json, field: string): Block | Fault {
  const { id, name, input } = entry;
  if (typeof id !== "string") return { field: `${field}.id`, problem: "is no text" };
  if (typeof name !== "string") return { field: `${field}.name`, problem: "is no text" };
  if (!isObject(input)) return { field: `${field}.input`, problem: "is no object" };
  return { type: "tool_use", id, name, input, ...markerOf(entry) };
}

function readToolResult(entry: Json, field: string, nested: NestedFields): ToolResultBlock | Fault {
  const id = entry["tool_use_id"];
  if (typeof id !== "string") return { field: `${field}.tool_use_id`, problem: "is no text" };
  const content = entry["content"] ?? [];
  const read = readBlocks(content, `${field}.content`, nested);
  if ("field" in read) return read;
  const parts = read.blocks.map((block): ResultPart => {
    const fits = block.type === "text" || block.type === "image" || block.type === "document";
    if (fits || block.type === "other") return block;
    return { type: "other", name: block.type };
  });
  const isError = entry["is_error"] === true;
  return { type: "tool_result", toolUseId: id, isError, parts, ...markerOf(entry) };
}

function readSource(source: unknown, nested: NestedFields): Source | null {
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
      return readContentSource(source["content"], nested);
    case "file":
      return typeof id === "string" ? { kind: "file", id } : null;
    default:
      return null;
  }
}

/** A document made of text blocks is its text. */
function readContentSource(content: unknown, nested: NestedFields): Source | null {
  if (typeof content === "string") return { kind: "text", text: content };
  const read = readBlocks(content, "content", nested);
  if ("field" in read) return null;
  const texts = read.blocks.map((block) => (block.type === "text" ? block.text : null));
  return texts.includes(null) ? null : { kind: "text", text: texts.join("\n\n") };
}

/** What an entry's `cache_control` says. */
export function markerOf(entry: Json): { readonly cached: boolean; readonly ttl?: "1h" } {
  const marker = entry["cache_control"];
  if (marker === undefined || marker === null) return { cached: false };
  return isObject(marker) && marker["ttl"] === "1h"
    ? { cached: true, ttl: "1h" }
    : { cached: true };
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" ? value : otherwise;
}
