/** Pictures and documents as parts of a Gemini content. */
import type { EgressContext } from "../egress.ts";
import type { DocumentBlock, ImageBlock, Source } from "../canonical/request.ts";
import type { Lossy } from "./losses.ts";

export type Part = Readonly<Record<string, unknown>>;

const TYPE_OF_SUFFIX: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  pdf: "application/pdf",
  txt: "text/plain",
  md: "text/plain",
};

/** The parts of a picture or document; none where it cannot be carried, which `lossy` then knows. */
export function mediaParts(
  block: ImageBlock | DocumentBlock,
  context: EgressContext,
  lossy: Lossy,
): readonly Part[] {
  if (context.quirks.has(block.type === "image" ? "no-images" : "no-documents")) {
    lossy.lose(block.type);
    return [];
  }
  const part = partOf(block, context, lossy);
  if (part === null) return [];
  if (block.type === "image") return [part];
  if (block.cites) lossy.lose("document.citations");
  const heading = [block.title === null ? "" : `Document: ${block.title}`, block.context ?? ""];
  const text = heading.filter((line) => line !== "").join("\n");
  return text === "" ? [part] : [{ text }, part];
}

function partOf(
  { type, source }: ImageBlock | DocumentBlock,
  context: EgressContext,
  lossy: Lossy,
): Part | null {
  switch (source.kind) {
    case "base64":
      return { inlineData: { mimeType: source.mediaType, data: source.data } };
    case "text":
      return { inlineData: { mimeType: "text/plain", data: base64Of(source.text) } };
    case "url":
      // A URL is fetched by Google: the Gemini API and Vertex take https, Vertex gs:// as well
      // (ai.google.dev/gemini-api/docs/file-input-methods, 2026-11-23).
      if (type === "image" && context.quirks.has("no-image-urls")) {
        lossy.lose("image.source.url");
        return null;
      }
      return { fileData: { mimeType: typeOfUrl(source, type), fileUri: source.url } };
    case "file":
      lossy.lose(`${type}.source.file`);
      return null;
  }
}

function base64Of(text: string): string {
  return Buffer.from(text).toString("base64");
}

function typeOfUrl(source: Source & { readonly kind: "url" }, type: "image" | "document"): string {
  const suffix = /\.([a-z]+)(?:[?#].*)?$/i.exec(source.url)?.[1]?.toLowerCase() ?? "";
  return TYPE_OF_SUFFIX[suffix] ?? (type === "image" ? "image/jpeg" : "application/pdf");
}
