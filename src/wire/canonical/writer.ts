/** Writes an answer in the words of the Messages API: as a stream's events, or as one message. */
import type { UpstreamFault } from "../answer.ts";
import type { Usage } from "../../core/usage.ts";

/** One content block under construction, for whole answers. */
type Content =
  | { readonly type: "text"; text: string }
  | { readonly type: "thinking"; thinking: string; signature: string }
  | { readonly type: "redacted_thinking"; readonly data: string }
  | { readonly type: "tool_use"; readonly id: string; readonly name: string; input: string };

export interface Ending {
  /** In the words of the Messages API: "end_turn". */
  readonly stopReason: string;
  readonly stopSequence: string | null;
  readonly usage: Usage;
}

/**
 * Builds one answer. Blocks get their indexes in the order of their beginning; text and thinking end
 * when something else begins, tool calls when `closeTool` says so or the answer ends.
 */
export class MessageWriter {
  readonly #streamed: boolean;
  readonly #head: { readonly id: string; readonly model: string };
  readonly #toolNames: ReadonlyMap<string, string> | null;
  #out = "";
  #isStarted = false;
  #next = 0;
  #open: "text" | "thinking" | null = null;
  #openIndex = -1;
  readonly #tools = new Map<string | number, number>();
  readonly #content: Content[] = [];
  #contentBytes = 0;

  constructor(of: {
    readonly id: string;
    readonly model: string;
    readonly streamed: boolean;
    /** As in `AnswerContext`. */
    readonly toolNames?: ReadonlyMap<string, string> | null;
  }) {
    this.#streamed = of.streamed;
    this.#head = of;
    this.#toolNames = of.toolNames ?? null;
  }

  /** Bytes of content written so far: what a client has been shown. */
  get contentBytes(): number {
    return this.#contentBytes;
  }

  /** Begins the message; later calls do nothing. `usage` as far as it is known by then. */
  start(usage: Partial<Usage> = {}): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    const message = { ...this.#message([], null, null), usage: wireUsage(usage) };
    this.#event("message_start", { type: "message_start", message });
  }

  text(delta: string): void {
    if (delta === "") return;
    const index = this.#flowing("text");
    const block = this.#content[index];
    if (block?.type === "text") block.text += delta;
    this.#delta(index, { type: "text_delta", text: delta }, delta);
  }

  thinking(delta: string): void {
    if (delta === "") return;
    const index = this.#flowing("thinking");
    const block = this.#content[index];
    if (block?.type === "thinking") block.thinking += delta;
    this.#delta(index, { type: "thinking_delta", thinking: delta }, delta);
  }

  /** Signs the thinking that is open, or an empty one: what the upstream wants back with it. */
  signature(signature: string): void {
    const index = this.#flowing("thinking");
    const block = this.#content[index];
    if (block?.type === "thinking") block.signature = signature;
    this.#delta(index, { type: "signature_delta", signature }, signature);
  }

  /** Reasoning that the upstream wants back and shows nobody. */
  redacted(data: string): void {
    this.#closeOpen();
    const block = { type: "redacted_thinking", data } as const;
    this.#closeBlock(this.#openBlock({ ...block }, block));
    this.#contentBytes += Buffer.byteLength(data);
  }

  /** Begins a tool call; `key` names it among this answer's calls. */
  openTool(key: string | number, of: { readonly id: string; readonly name: string }): void {
    this.#closeOpen();
    const tool = { id: of.id, name: this.#toolNames?.get(of.name) ?? of.name };
    const index = this.#openBlock(
      { type: "tool_use", ...tool, input: "" },
      { type: "tool_use", ...tool, input: {} },
    );
    this.#tools.set(key, index);
    this.#contentBytes += Buffer.byteLength(tool.name);
  }

  /** A piece of the JSON text of an open call's input. */
  toolInput(key: string | number, json: string): void {
    const index = this.#tools.get(key);
    if (index === undefined || json === "") return;
    const block = this.#content[index];
    if (block?.type === "tool_use") block.input += json;
    this.#delta(index, { type: "input_json_delta", partial_json: json }, json);
  }

  hasTool(key: string | number): boolean {
    return this.#tools.has(key);
  }

  closeTool(key: string | number): void {
    const index = this.#tools.get(key);
    if (index === undefined) return;
    this.#tools.delete(key);
    this.#closeBlock(index);
  }

  /** Ends the text or thinking that is open: what follows is a block of its own. */
  endBlock(): void {
    this.#closeOpen();
  }

  /** Ends the message. Nothing may follow. */
  finish(ending: Ending): void {
    this.start();
    this.#closeOpen();
    for (const key of this.#tools.keys()) this.closeTool(key);
    const { stopReason, stopSequence, usage } = ending;
    if (this.#streamed) {
      const delta = { stop_reason: stopReason, stop_sequence: stopSequence };
      this.#event("message_delta", { type: "message_delta", delta, usage: wireUsage(usage) });
      this.#event("message_stop", { type: "message_stop" });
      return;
    }
    const message = this.#message(this.#wholeContent(), stopReason, stopSequence);
    this.#out = JSON.stringify({ ...message, usage: wireUsage(usage) });
  }

  /** An error event; a whole answer has no place for one and stays unfinished. */
  fault({ type, message }: UpstreamFault): void {
    this.#event("error", { type: "error", error: { type, message } });
  }

  /** What has been written since the last call; null for nothing. */
  take(): Buffer | null {
    if (this.#out === "") return null;
    const bytes = Buffer.from(this.#out);
    this.#out = "";
    return bytes;
  }

  #message(content: unknown, stopReason: string | null, stopSequence: string | null) {
    const { id, model } = this.#head;
    return {
      id,
      type: "message",
      role: "assistant",
      model,
      content,
      stop_reason: stopReason,
      stop_sequence: stopSequence,
    };
  }

  #flowing(type: "text" | "thinking"): number {
    if (this.#open === type) return this.#openIndex;
    this.#closeOpen();
    this.#openIndex =
      type === "text"
        ? this.#openBlock({ type, text: "" }, { type, text: "" })
        : this.#openBlock(
            { type, thinking: "", signature: "" },
            { type, thinking: "", signature: "" },
          );
    this.#open = type;
    return this.#openIndex;
  }

  #openBlock(content: Content, shown: object): number {
    this.start();
    const index = this.#next++;
    if (!this.#streamed) this.#content.push(content);
    this.#event("content_block_start", {
      type: "content_block_start",
      index,
      content_block: shown,
    });
    return index;
  }

  #closeOpen(): void {
    if (this.#open === null) return;
    this.#open = null;
    this.#closeBlock(this.#openIndex);
  }

  #closeBlock(index: number): void {
    this.#event("content_block_stop", { type: "content_block_stop", index });
  }

  #delta(index: number, delta: object, text: string): void {
    // UTF-8 never has fewer bytes than UTF-16 has units; content bytes bound tokens from above.
    this.#contentBytes += this.#streamed ? Buffer.byteLength(text) : 0;
    this.#event("content_block_delta", { type: "content_block_delta", index, delta });
  }

  #event(name: string, data: object): void {
    if (this.#streamed) this.#out += `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
  }

  #wholeContent(): unknown[] {
    return this.#content.map((block) =>
      block.type === "tool_use" ? { ...block, input: inputOf(block.input) } : block,
    );
  }
}

/** Arguments that are no JSON object reach the client as what they are: a text in a field of its own. */
function inputOf(json: string): unknown {
  if (json === "") return {};
  try {
    return JSON.parse(json) as unknown;
  } catch {
    // A model can write broken JSON; streamed clients meet the same text.
    return { unparsed_arguments: json };
  }
}

function wireUsage(usage: Partial<Usage>): Record<string, unknown> {
  const written5m = usage.cache_write_5m_input_tokens ?? 0;
  const written1h = usage.cache_write_1h_input_tokens ?? 0;
  const thinking = usage.thinking_tokens ?? 0;
  return {
    input_tokens: usage.input_tokens ?? 0,
    cache_creation_input_tokens: written5m + written1h,
    cache_read_input_tokens: usage.cache_read_input_tokens ?? 0,
    cache_creation: {
      ephemeral_5m_input_tokens: written5m,
      ephemeral_1h_input_tokens: written1h,
    },
    output_tokens: usage.output_tokens ?? 0,
    ...(thinking > 0 ? { output_tokens_details: { thinking_tokens: thinking } } : {}),
  };
}
