/** Changes single values of a body without touching, copying or re-serialising any other byte. */
import { takesMaxUses } from "../../core/body-facts.ts";
import type { ByteRange, MessagesBody } from "./body.ts";

/** Bytes from `start` to `end` (exclusive) give way to `text`; equal offsets insert. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * Applies edits, in any order, that do not overlap.
 *
 * @returns the body's new chunks: slices of the old ones, with the edits' texts between them.
 */
export function spliceBody(chunks: readonly Buffer[], edits: readonly Edit[]): Buffer[] {
  const sorted = edits.toSorted((left, right) => left.start - right.start || left.end - right.end);
  const spliced: Buffer[] = [];
  let from = 0;
  for (const edit of sorted) {
    if (edit.start < from || edit.end < edit.start) throw new RangeError("edits of a body overlap");
    copyRange(chunks, { from, to: edit.start }, spliced);
    if (edit.text !== "") spliced.push(Buffer.from(edit.text));
    from = edit.end;
  }
  copyRange(chunks, { from, to: Infinity }, spliced);
  return spliced;
}

/** The bytes of a range as one buffer; shared with the chunk where it lies in one. */
export function cutRange(chunks: readonly Buffer[], { start, end }: ByteRange): Buffer {
  const pieces: Buffer[] = [];
  copyRange(chunks, { from: start, to: end }, pieces);
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces);
}

function copyRange(
  chunks: readonly Buffer[],
  { from, to }: { readonly from: number; readonly to: number },
  into: Buffer[],
): void {
  let chunkStart = 0;
  for (const chunk of chunks) {
    const start = Math.max(from - chunkStart, 0);
    const end = Math.min(to - chunkStart, chunk.length);
    if (start < end)
      into.push(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end));
    chunkStart += chunk.length;
  }
}

/** Sets `model`; adds it where the body has none. */
export function editModel(body: MessagesBody, model: string): Edit {
  return editField(body, "model", JSON.stringify(model));
}

/** Sets `max_tokens`; adds it where the body has none. */
export function editMaxTokens(body: MessagesBody, maxTokens: number): Edit {
  return editField(body, "max_tokens", String(maxTokens));
}

function editField(body: MessagesBody, name: "model" | "max_tokens", value: string): Edit {
  const range = body.fields[name];
  if (range !== undefined) return { ...range, text: value };
  const comma = body.isEmpty ? "" : ",";
  return { start: body.closeAt, end: body.closeAt, text: `${comma}"${name}":${value}` };
}

/**
 * Sets `max_uses` of the server tool at `index`; adds it where the tool has none.
 *
 * @returns null where there is no such tool, or where the API accepts no `max_uses` on its type
 * (MCP servers, code execution, tool search): its uses cannot be bounded.
 */
export function editMaxUses(body: MessagesBody, index: number, maxUses: number): Edit | null {
  const place = body.maxUses[index];
  const tool = body.facts.serverTools[index];
  if (place === undefined || tool === undefined || !takesMaxUses(tool.type)) return null;
  if (place.value !== null) return { ...place.value, text: String(maxUses) };
  // A tool's object is never empty: its `type` follows.
  return { start: place.insertAt, end: place.insertAt, text: `"max_uses":${maxUses},` };
}
