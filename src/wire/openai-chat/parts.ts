/** Text, images and documents of a message as parts of chat completions. */
import type { Block, DocumentBlock, ImageBlock, Source } from "../canonical/request.ts";
import type { Quirk } from "../egress.ts";
import type { Losing } from "./losses.ts";

export interface TextPart {
  readonly type: "text";
  readonly text: string;
}

/**
 * One entry of a `content` list. Files are PDF alone and inline; there is no URL for them.
 * Source: openai-node of 2026-08-21 (`ChatCompletionContentPart`), OpenAI's guide "File inputs", 2026-11.
 */
export type Part =
  | TextPart
  | { readonly type: "image_url"; readonly image_url: { readonly url: string } }
  | {
      readonly type: "file";
      readonly file: { readonly filename: string; readonly file_data: string };
    };

const PDF = "application/pdf";

/** The parts of one block; of a block that is no content of its own, none. */
export function partsOf(block: Block, quirks: ReadonlySet<Quirk>, losing: Losing): readonly Part[] {
  switch (block.type) {
    case "text":
      if (block.cited) losing.lose("text.citations");
      return block.text === "" ? [] : [textPart(block.text)];
    case "image":
      return [imagePart(block, quirks, losing)];
    case "document":
      return documentParts(block, quirks, losing);
    case "other":
      losing.lose("messages.content", `a block of type ${block.name}`);
      return [];
    default:
      return [];
  }
}

export function textPart(text: string): TextPart {
  return { type: "text", text };
}

/** One text as it is, several as a list, or joined where the server may take no list. */
export function contentOf(parts: readonly Part[], joined: boolean): string | readonly Part[] {
  const texts = parts.map((part) => (part.type === "text" ? part.text : null));
  if (texts.includes(null) || (texts.length > 1 && !joined)) return parts;
  return texts.join("\n\n");
}

function imagePart({ source }: ImageBlock, quirks: ReadonlySet<Quirk>, losing: Losing): Part {
  if (quirks.has("no-images")) {
    losing.lose("image", "an image");
    return textPart("[An image stood here that this model cannot read.]");
  }
  const url = urlOf(source);
  if (url === null || (source.kind === "url" && quirks.has("no-image-urls"))) {
    losing.lose("image.source", `an image given as ${source.kind}`);
    return textPart("[An image stood here that could not be passed on.]");
  }
  return { type: "image_url", image_url: { url } };
}

function urlOf(source: Source): string | null {
  if (source.kind === "url") return source.url;
  return source.kind === "base64" ? `data:${source.mediaType};base64,${source.data}` : null;
}

function documentParts(
  block: DocumentBlock,
  quirks: ReadonlySet<Quirk>,
  losing: Losing,
): readonly Part[] {
  const { source, title, context } = block;
  if (block.cites) losing.lose("document.citations", "citations of a document");
  const text = textOf(source);
  if (text !== null)
    return [textPart([title, context, text].filter((piece) => piece !== null).join("\n\n"))];
  const about = [title, context].filter((piece) => piece !== null && piece !== "").join("\n\n");
  const lead = about === "" ? [] : [textPart(about)];
  if (quirks.has("no-documents")) {
    losing.lose("document", "a document");
    return [...lead, textPart("[A document stood here that this model cannot read.]")];
  }
  if (source.kind !== "base64" || source.mediaType !== PDF) {
    const kind = source.kind === "base64" ? source.mediaType : source.kind;
    losing.lose("document.source", `a document given as ${kind}`);
    return [...lead, textPart("[A document stood here that could not be passed on.]")];
  }
  const file = { filename: fileNameOf(title), file_data: `data:${PDF};base64,${source.data}` };
  return [...(context === null ? [] : [textPart(context)]), { type: "file", file }];
}

function textOf(source: Source): string | null {
  if (source.kind === "text") return source.text;
  if (source.kind !== "base64" || !source.mediaType.startsWith("text/")) return null;
  return Buffer.from(source.data, "base64").toString("utf8");
}

function fileNameOf(title: string | null): string {
  if (title === null || title === "") return "document.pdf";
  return title.toLowerCase().endsWith(".pdf") ? title : `${title}.pdf`;
}
