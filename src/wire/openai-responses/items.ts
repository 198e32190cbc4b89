/** Writes output items one after the other, in their own order, however their pieces arrive. */
import { isObject } from "../anthropic/value.ts";
import type { MessageWriter } from "../canonical/writer.ts";
import { sealReasoning } from "./seal.ts";

type Json = Readonly<Record<string, unknown>>;

/** One thing to write for an output item. */
export type Piece =
  | { readonly kind: "text" | "refusal" | "thinking" | "arguments"; readonly text: string }
  | { readonly kind: "tool"; readonly id: string; readonly name: string }
  /** `isShown`: the item's thinking was written before; else nobody is shown any. */
  | { readonly kind: "seal"; readonly text: string; readonly isShown: boolean };

/** Items by `output_index`. The first one that is not done is written at once; later ones wait. */
export class OrderedItems {
  readonly #writer: MessageWriter;
  readonly #waiting = new Map<number, { readonly pieces: Piece[]; isDone: boolean }>();
  #current: number | null = null;
  #waitingBytes = 0;
  #hasTools = false;
  #isRefused = false;

  constructor(writer: MessageWriter) {
    this.#writer = writer;
  }

  /** Bytes of content that have come and wait for an earlier item. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get hasTools(): boolean {
    return this.#hasTools;
  }

  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Gives the item its place; `put` does so, too. */
  begin(index: number): void {
    this.#current ??= index;
    if (this.#current === index || this.#waiting.has(index)) return;
    this.#waiting.set(index, { pieces: [], isDone: false });
  }

  put(index: number, piece: Piece): void {
    if (piece.kind === "tool") this.#hasTools = true;
    if (piece.kind === "refusal") this.#isRefused = true;
    this.begin(index);
    if (this.#current === index) return this.#write(index, piece);
    this.#waiting.get(index)?.pieces.push(piece);
    this.#waitingBytes += bytesOf(piece);
  }

  /** No further piece of this item comes. */
  done(index: number): void {
    const waiting = this.#waiting.get(index);
    if (waiting !== undefined) waiting.isDone = true;
    if (this.#current !== index) return;
    this.#close(index);
    this.#writeWaiting();
  }

  /** No further piece comes at all. */
  finish(): void {
    for (const waiting of this.#waiting.values()) waiting.isDone = true;
    if (this.#current !== null) this.done(this.#current);
  }

  #writeWaiting(): void {
    const indexes = [...this.#waiting.keys()].sort((a, b) => a - b);
    for (const index of indexes) {
      const { pieces, isDone } = this.#waiting.get(index) ?? { pieces: [], isDone: true };
      this.#waiting.delete(index);
      for (const piece of pieces) {
        this.#waitingBytes -= bytesOf(piece);
        this.#write(index, piece);
      }
      if (!isDone) {
        this.#current = index;
        return;
      }
      this.#close(index);
    }
  }

  #close(index: number): void {
    this.#current = null;
    if (this.#writer.hasTool(index)) this.#writer.closeTool(index);
    else this.#writer.endBlock();
  }

  #write(index: number, piece: Piece): void {
    switch (piece.kind) {
      case "text":
      case "refusal":
        return this.#writer.text(piece.text);
      case "thinking":
        return this.#writer.thinking(piece.text);
      case "arguments":
        return this.#writer.toolInput(index, piece.text);
      case "tool":
        return this.#writer.openTool(index, { id: piece.id, name: piece.name });
      case "seal":
        return piece.isShown
          ? this.#writer.signature(piece.text)
          : this.#writer.redacted(piece.text);
    }
  }
}

function bytesOf(piece: Piece): number {
  return Buffer.byteLength(piece.kind === "tool" ? piece.name : piece.text);
}

/** All pieces of a finished item; none for kinds that the Messages API does not know. */
export function piecesOf(item: Json, index: number): readonly Piece[] {
  switch (item["type"]) {
    case "message":
      return objectsIn(item["content"]).flatMap((part) => messagePieces(part));
    case "reasoning":
      return reasoningPieces(item);
    case "function_call":
      return [...toolPieces(item, index), argumentsPiece(item)];
    default:
      return [];
  }
}

function messagePieces(part: Json): readonly Piece[] {
  if (part["type"] === "output_text") return [{ kind: "text", text: textOf(part["text"]) }];
  if (part["type"] !== "refusal") return [];
  return [{ kind: "refusal", text: textOf(part["refusal"]) }];
}

function reasoningPieces(item: Json): readonly Piece[] {
  const summary = objectsIn(item["summary"]);
  const parts = summary.length > 0 ? summary : objectsIn(item["content"]);
  const text = parts.map((part) => textOf(part["text"])).join("\n\n");
  const seal = sealPiece(item, text !== "" ? "shown" : "hidden");
  return [...(text === "" ? [] : [{ kind: "thinking", text } as const]), ...seal];
}

/** What the next turn has to bring back of a reasoning item; none where it is not encrypted. */
export function sealPiece(item: Json, thinking: "shown" | "hidden"): readonly Piece[] {
  const encryptedContent = textOf(item["encrypted_content"]);
  if (item["type"] !== "reasoning" || encryptedContent === "") return [];
  const text = sealReasoning({ id: textOf(item["id"]), encryptedContent });
  return [{ kind: "seal", text, isShown: thinking === "shown" }];
}

/**
 * The beginning of a call; none without a name to call. Its id goes to a client, and may go on to a door
 * that is strict in ids.
 */
export function toolPieces(item: Json, index: number): readonly Piece[] {
  const name = textOf(item["name"]);
  if (item["type"] !== "function_call" || name === "") return [];
  const id = textOf(item["call_id"]) || textOf(item["id"]) || `call_${index}`;
  return [{ kind: "tool", id: id.replace(/[^\w-]/g, "_"), name }];
}

/** All of a call's input at once. */
export function argumentsPiece(item: Json): Piece {
  return { kind: "arguments", text: textOf(item["arguments"]) };
}

export function objectsIn(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter((entry) => isObject(entry)) : [];
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
