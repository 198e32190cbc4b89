/** Puts the calls of an answer together from their pieces and writes them one after the other. */
import { isObject } from "../anthropic/value.ts";
import type { MessageWriter } from "../canonical/writer.ts";

type Json = Readonly<Record<string, unknown>>;

interface Call {
  readonly key: number;
  id: string;
  name: string;
  /** The text of its arguments that has not been written. */
  pending: string;
  isOpen: boolean;
  readonly outline: Outline;
}

/** How deep the arguments are at their last character so far. */
interface Outline {
  depth: number;
  isString: boolean;
  isEscaped: boolean;
  isBalanced: boolean;
}

/** Whatever the ids of the Messages API may not have. */
const FOREIGN = /[^A-Za-z0-9_-]/g;

/**
 * The calls of one answer. The first unfinished call is passed on live; a later one that begins before
 * the first one's JSON is complete waits for it, so that blocks never overlap, however pieces interleave.
 *
 * Pieces come as OpenAI sends them (by `index`; id and name in the first), and as others do: without
 * index or id, id and name late, in parts or repeated, several calls under one index, arguments as an
 * object.
 */
export class ToolCalls {
  readonly #writer: MessageWriter;
  readonly #messageId: string;
  readonly #byIndex = new Map<number, Call>();
  readonly #byId = new Map<string, Call>();
  readonly #calls: Call[] = [];
  readonly #ids = new Set<string>();
  /** Calls before this one are closed. */
  #live = 0;
  #heldBytes = 0;

  constructor(writer: MessageWriter, messageId: string) {
    this.#writer = writer;
    this.#messageId = messageId;
  }

  get count(): number {
    return this.#calls.length;
  }

  /** Bytes of calls that wait for an earlier one or for their name. */
  get heldBytes(): number {
    return Math.max(0, this.#heldBytes);
  }

  /** Takes one entry of `tool_calls`. */
  take(piece: unknown): void {
    if (!isObject(piece)) return;
    const called = isObject(piece["function"]) ? piece["function"] : {};
    const id = textOf(piece["id"]);
    const name = textOf(called["name"]);
    const json = argumentsOf(called["arguments"]);
    const call = this.#callOf(piece["index"], { id, name, json });
    if (!call.isOpen) nameCall(call, id, name);
    if (id !== "") this.#byId.set(call.id, call);
    call.pending += json;
    outlineOf(call.outline, json);
    this.#heldBytes += Buffer.byteLength(json);
    if (this.#calls[this.#live] !== call) return;
    this.#write(call);
    if (this.#calls.length > this.#live + 1) this.closeComplete();
  }

  /** Closes calls, in their order, up to the first that is not complete. */
  closeComplete(): void {
    for (;;) {
      const call = this.#calls[this.#live];
      if (call === undefined || !isComplete(call)) return;
      this.#close(call);
    }
  }

  /** No piece follows. */
  finish(): void {
    for (;;) {
      const call = this.#calls[this.#live];
      if (call === undefined) return;
      this.#close(call);
    }
  }

  #callOf(index: unknown, piece: { id: string; name: string; json: string }): Call {
    const key = typeof index === "number" ? index : null;
    const known = key === null ? this.#unindexed(piece.id) : this.#byIndex.get(key);
    if (known !== undefined && !isNext(known, piece)) return known;
    const call = newCall(this.#calls.length);
    this.#calls.push(call);
    if (key !== null) this.#byIndex.set(key, call);
    this.closeComplete();
    return call;
  }

  #unindexed(id: string): Call | undefined {
    return id === "" ? this.#calls.at(-1) : this.#byId.get(id);
  }

  /** Passes on what is new of the live call, once its id and name must be whole. */
  #write(call: Call): void {
    if (!call.isOpen) {
      if (call.id === "" || call.name === "" || call.pending === "") return;
      this.#open(call);
    }
    this.#writer.toolInput(call.key, call.pending);
    this.#heldBytes -= Buffer.byteLength(call.pending);
    call.pending = "";
  }

  #open(call: Call): void {
    const told = call.id.replace(FOREIGN, "_");
    const isUsable = told !== "" && !this.#ids.has(told);
    const id = isUsable ? told : `call_${this.#messageId.replace(FOREIGN, "_")}_${call.key}`;
    this.#ids.add(id);
    const name = call.name === "" ? "unnamed_tool" : call.name;
    this.#writer.openTool(call.key, { id, name });
    call.isOpen = true;
  }

  #close(call: Call): void {
    if (!call.isOpen) this.#open(call);
    this.#write(call);
    this.#writer.closeTool(call.key);
    this.#live += 1;
    const next = this.#calls[this.#live];
    if (next !== undefined) this.#write(next);
  }
}

function newCall(key: number): Call {
  const outline = { depth: 0, isString: false, isEscaped: false, isBalanced: false };
  return { key, id: "", name: "", pending: "", isOpen: false, outline };
}

/** Tells whether a piece under a known index, or under none, begins another call. */
function isNext(known: Call, piece: { id: string; name: string; json: string }): boolean {
  if (piece.name === "") return false;
  if (piece.id !== "" && known.id !== "") return piece.id !== known.id;
  return piece.id === "" && piece.json !== "" && isComplete(known);
}

/** Takes id and name of a call that is not open: whole, in parts, repeated, or grown. */
function nameCall(call: Call, id: string, name: string): void {
  call.id = grown(call.id, id);
  call.name = grown(call.name, name);
}

function grown(known: string, piece: string): string {
  if (piece === known) return known;
  return piece.startsWith(known) ? piece : known + piece;
}

/** Its name is there, and its arguments are one balanced text. */
function isComplete({ name, outline }: Call): boolean {
  return name !== "" && outline.isBalanced;
}

function outlineOf(outline: Outline, json: string): void {
  for (const character of json) look(outline, character);
}

function look(outline: Outline, character: string): void {
  if (outline.isEscaped) outline.isEscaped = false;
  else if (outline.isString) {
    if (character === '"') outline.isString = false;
    else if (character === "\\") outline.isEscaped = true;
  } else if (character === '"') outline.isString = true;
  else if (character === "{" || character === "[") outline.depth += 1;
  else if (character === "}" || character === "]") {
    outline.depth -= 1;
    outline.isBalanced = outline.depth === 0;
    return;
  }
  if (character.trim() !== "") outline.isBalanced = false;
}

function argumentsOf(value: unknown): string {
  if (typeof value === "string") return value;
  return isObject(value) ? JSON.stringify(value satisfies Json) : "";
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
