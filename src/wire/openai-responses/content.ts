/** Turns text, pictures and documents into parts of a Responses message or tool output. */
import type { DocumentBlock, ImageBlock, ResultPart, Source } from "../canonical/request.ts";
import type { EgressContext } from "../egress.ts";
import type { Lost } from "./losses.ts";

export type Part = Readonly<Record<string, unknown>>;

/** What the turning of one request's content needs. */
export interface ContentScope {
  readonly quirks: EgressContext["quirks"];
  readonly lost: Lost;
}

/** What the model reads in place of what it cannot be shown. */
const MISSING_IMAGE = "[An image stood here that cannot be shown.]";
const MISSING_DOCUMENT = "[A document stood here that cannot be shown.]";

/** The parts of one block, in the words of `ResponseInputContent`; none where it is empty or of a kind that only Anthropic has. */
export function inputParts(block: ResultPart, scope: ContentScope): readonly Part[] {
  if (block.type === "other") {
    scope.lost.add("messages.content");
    return [];
  }
  if (block.cached) scope.lost.add("cache_control");
  if (block.type === "image") return imageParts(block, scope);
  if (block.type === "document") return documentParts(block, scope);
  if (block.cited) scope.lost.add("text.citations");
  return textParts(block.text);
}

function textParts(text: string): readonly Part[] {
  return text === "" ? [] : [{ type: "input_text", text }];
}

function imageParts({ source }: ImageBlock, { quirks, lost }: ContentScope): readonly Part[] {
  if (quirks.has("no-images")) {
    lost.add("image");
    return textParts(MISSING_IMAGE);
  }
  const url = imageUrl(source);
  if (url === null || (source.kind === "url" && quirks.has("no-image-urls"))) {
    lost.add("image.source");
    return textParts(MISSING_IMAGE);
  }
  return [{ type: "input_image", image_url: url, detail: "auto" }];
}

function imageUrl(source: Source): string | null {
  if (source.kind === "url") return source.url;
  return source.kind === "base64" ? dataUrl(source) : null;
}

function documentParts(block: DocumentBlock, { quirks, lost }: ContentScope): readonly Part[] {
  const { source, title, context } = block;
  if (block.cites) lost.add("document.citations");
  if (source.kind === "file") {
    lost.add("document.source");
    return textParts(MISSING_DOCUMENT);
  }
  // A text needs no reader of documents.
  if (source.kind === "text") return textParts(joined([title, context, source.text]));
  if (quirks.has("no-documents")) {
    lost.add("document");
    return textParts(MISSING_DOCUMENT);
  }
  if (source.kind === "url") {
    return [...textParts(joined([title, context])), { type: "input_file", file_url: source.url }];
  }
  const filename = title ?? (source.mediaType === "application/pdf" ? "document.pdf" : "document");
  return [
    ...textParts(context ?? ""),
    { type: "input_file", filename, file_data: dataUrl(source) },
  ];
}

function dataUrl({ mediaType, data }: Extract<Source, { kind: "base64" }>): string {
  return `data:${mediaType};base64,${data}`;
}

function joined(texts: readonly (string | null)[]): string {
  return texts.filter((text) => text !== null && text !== "").join("\n\n");
}
