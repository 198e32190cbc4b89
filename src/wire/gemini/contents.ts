/** Turns of a conversation as Gemini's `contents`: roles in alternation, function responses first. */
import type { EgressContext } from "../egress.ts";
import type { Block, ThinkingBlock, ToolResultBlock, Turn } from "../canonical/request.ts";
import type { Lossy } from "./losses.ts";
import { mediaParts, type Part } from "./media.ts";
import { traitsOf, type ModelTraits } from "./model.ts";
import { decodeSignatures, NO_SIGNATURE } from "./signature.ts";

interface Content {
  readonly role: "user" | "model";
  readonly parts: Part[];
}

/** The contents of a conversation, in its order; what cannot be carried is noted in `lossy`. */
export function contentsOf(
  turns: readonly Turn[],
  context: EgressContext,
  lossy: Lossy,
): readonly unknown[] {
  const writer = new ContentsWriter(context, lossy);
  for (const turn of turns) writer.turn(turn);
  return writer.finished();
}

class ContentsWriter {
  readonly #context: EgressContext;
  readonly #lossy: Lossy;
  readonly #traits: ModelTraits;
  readonly #contents: Content[] = [];
  readonly #toolNames = new Map<string, string>();
  /** The signature for the next text or call, from the thinking block before it. */
  #nextSignature: string | undefined;

  constructor(context: EgressContext, lossy: Lossy) {
    this.#context = context;
    this.#lossy = lossy;
    this.#traits = traitsOf(context.model);
  }

  turn({ role, blocks }: Turn): void {
    const parts = this.#partsFor(role === "assistant" ? "model" : "user");
    this.#nextSignature = undefined;
    for (const block of blocks) {
      if ("cached" in block && block.cached) this.#lossy.lose("cache_control");
      if (role === "system") this.#systemBlock(block, parts);
      else this.#block(block, parts);
    }
  }

  finished(): readonly Content[] {
    const filled = this.#contents.filter(({ parts }) => parts.length > 0);
    for (const { role, parts } of filled) {
      if (role === "user") responsesFirst(parts);
      else if (this.#traits.wantsSignatures) signFirstCall(parts);
    }
    return filled;
  }

  #partsFor(role: Content["role"]): Part[] {
    // A turn that came to nothing separates no two others.
    while (this.#contents.at(-1)?.parts.length === 0) this.#contents.pop();
    const last = this.#contents.at(-1);
    if (last?.role === role) return last.parts;
    const content: Content = { role, parts: [] };
    this.#contents.push(content);
    return content.parts;
  }

  #systemBlock(block: Block, parts: Part[]): void {
    if (block.type !== "text") {
      this.#block(block, parts);
      return;
    }
    this.#lossy.lose("messages.role");
    parts.push({ text: `<system>\n${block.text}\n</system>` });
  }

  #block(block: Block, parts: Part[]): void {
    switch (block.type) {
      case "text":
        if (block.cited) this.#lossy.lose("text.citations");
        if (block.text !== "") parts.push({ text: block.text, ...this.#takeSignature() });
        return;
      case "image":
      case "document":
        parts.push(...mediaParts(block, this.#context, this.#lossy));
        return;
      case "tool_use": {
        const { id, name, input } = block;
        this.#toolNames.set(id, name);
        parts.push({ functionCall: { id, name, args: input }, ...this.#takeSignature() });
        return;
      }
      case "tool_result":
        this.#toolResult(block, parts);
        return;
      case "thinking":
        this.#thinking(block, parts);
        return;
      case "redacted_thinking":
        this.#lossy.lose("redacted_thinking");
        return;
      case "other":
        this.#lossy.lose("messages.content", block.name);
    }
  }

  #takeSignature(): { readonly thoughtSignature?: string } {
    const signature = this.#nextSignature;
    this.#nextSignature = undefined;
    return signature === undefined ? {} : { thoughtSignature: signature };
  }

  #thinking({ text, signature }: ThinkingBlock, parts: Part[]): void {
    const carried = decodeSignatures(signature);
    if (carried === null && signature !== "") this.#lossy.lose("thinking.signature");
    const last = parts.at(-1);
    if (carried?.previous !== undefined && last?.["text"] !== undefined)
      parts[parts.length - 1] = { ...last, thoughtSignature: carried.previous };
    const thought = carried?.thought;
    if (text !== "" || thought !== undefined)
      parts.push({
        text,
        thought: true,
        ...(thought === undefined ? {} : { thoughtSignature: thought }),
      });
    this.#nextSignature = carried?.next;
  }

  #toolResult({ toolUseId, isError, parts: inside }: ToolResultBlock, parts: Part[]): void {
    const texts: string[] = [];
    const media: Part[] = [];
    for (const part of inside) {
      if ("cached" in part && part.cached) this.#lossy.lose("cache_control");
      if (part.type === "text") texts.push(part.text);
      else if (part.type === "other") this.#lossy.lose("messages.content", part.name);
      else media.push(...mediaParts(part, this.#context, this.#lossy));
    }
    const isNested = (part: Part): boolean =>
      // The Gemini API takes no URLs and no texts among a response's parts.
      this.#traits.nestsMedia && part["inlineData"] !== undefined;
    const nested = media.filter(isNested);
    const output = texts.length > 1 ? texts : (texts[0] ?? "");
    parts.push({
      functionResponse: {
        id: toolUseId,
        name: this.#toolNames.get(toolUseId) ?? "unknown_tool",
        response: isError ? { error: output } : { output },
        ...(nested.length > 0 ? { parts: nested } : {}),
      },
    });
    parts.push(...media.filter((part) => !isNested(part)));
  }
}

/** All responses to one step's calls stand together, and before what the user says besides. */
function responsesFirst(parts: Part[]): void {
  const rank = (part: Part): number => (part["functionResponse"] === undefined ? 1 : 0);
  parts.sort((a, b) => rank(a) - rank(b));
}

/** Calls that another model made have no signature; Gemini 3 refuses a step without any. */
function signFirstCall(parts: Part[]): void {
  const index = parts.findIndex((part) => part["functionCall"] !== undefined);
  const call = parts[index];
  if (call !== undefined && call["thoughtSignature"] === undefined)
    parts[index] = { ...call, thoughtSignature: NO_SIGNATURE };
}
