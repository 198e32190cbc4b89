/** Turns Converse's content blocks, streamed in pieces or whole, into blocks of the Messages API. */
import { isObject } from "../anthropic/value.ts";
import type { MessageWriter } from "../canonical/writer.ts";

type Json = Readonly<Record<string, unknown>>;

/** What cannot be told from a piece of content, in words for a person. */
type Problem = string;

/** A block may come in many pieces; what Bedrock splits of a redaction is no more than this. */
const REDACTED_MAX_BYTES = 16 * 1024 * 1024;

/**
 * Writes blocks in the order in which they come. Signatures and redactions may come in pieces: they are
 * shown when their block ends. Source: Amazon Bedrock API reference, ContentBlockStart, ContentBlockDelta,
 * ReasoningContentBlockDelta, 2026-11.
 */
export class ContentWriter {
  readonly #writer: MessageWriter;
  #index: unknown = null;
  #signature = "";
  #redacted: Buffer[] = [];
  #redactedBytes = 0;
  #hasToolUse = false;
  #isEmpty = true;

  constructor(writer: MessageWriter) {
    this.#writer = writer;
  }

  /** A call of one of the client's tools has begun. */
  get hasToolUse(): boolean {
    return this.#hasToolUse;
  }

  /** Nothing has been said yet. */
  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** `contentBlockStart`: only of calls does it say anything. */
  start(event: Json): Problem | null {
    const index = event["contentBlockIndex"];
    this.#enter(index);
    const { toolUse } = objectOf(event["start"]);
    if (!isObject(toolUse) || toolUse["type"] === "server_tool_use") return null;
    return this.#openTool(index, toolUse);
  }

  /** `contentBlockDelta`. */
  delta(event: Json): Problem | null {
    const index = event["contentBlockIndex"];
    this.#enter(index);
    const { text, toolUse, reasoningContent } = objectOf(event["delta"]);
    if (typeof text === "string") this.#text(text);
    if (isObject(toolUse) && typeof toolUse["input"] === "string")
      this.#writer.toolInput(keyOf(index), toolUse["input"]);
    return isObject(reasoningContent) ? this.#reasoning(reasoningContent) : null;
  }

  /** `contentBlockStop`. */
  stop(event: Json): void {
    this.#endBlock();
    this.#writer.closeTool(keyOf(event["contentBlockIndex"]));
    this.#index = null;
  }

  /** One block of a whole answer. */
  whole(block: Json, index: number): Problem | null {
    const { text, toolUse, reasoningContent } = block;
    if (typeof text === "string") this.#text(text);
    if (isObject(toolUse) && toolUse["type"] !== "server_tool_use") {
      const problem = this.#openTool(index, toolUse);
      if (problem !== null) return problem;
      this.#writer.toolInput(index, JSON.stringify(toolUse["input"] ?? {}));
      this.#writer.closeTool(index);
    }
    if (isObject(reasoningContent)) {
      const problem = this.#reasoning({
        ...objectOf(reasoningContent["reasoningText"]),
        redactedContent: reasoningContent["redactedContent"],
      });
      if (problem !== null) return problem;
    }
    this.#endBlock();
    return null;
  }

  /** The answer is over, whatever its last block said. */
  end(): void {
    this.#endBlock();
  }

  /** Blocks come one after the other; a new index ends the block before, told so or not. */
  #enter(index: unknown): void {
    if (this.#index !== null && this.#index !== index) this.#endBlock();
    this.#index = index;
  }

  #text(text: string): void {
    if (text !== "") this.#isEmpty = false;
    this.#writer.text(text);
  }

  #openTool(index: unknown, toolUse: Json): Problem | null {
    const { toolUseId: id, name } = toolUse;
    if (typeof id !== "string" || typeof name !== "string")
      return "a call of a tool has no id or no name";
    this.#hasToolUse = true;
    this.#isEmpty = false;
    // A call that begins twice is two calls.
    this.#writer.closeTool(keyOf(index));
    this.#writer.openTool(keyOf(index), { id, name });
    return null;
  }

  #reasoning({ text, signature, redactedContent }: Json): Problem | null {
    this.#isEmpty = false;
    if (typeof text === "string") this.#writer.thinking(text);
    if (typeof signature === "string") this.#signature += signature;
    if (typeof redactedContent !== "string") return null;
    const bytes = Buffer.from(redactedContent, "base64");
    this.#redactedBytes += bytes.length;
    if (this.#redactedBytes > REDACTED_MAX_BYTES) return "a redacted block is too large";
    this.#redacted.push(bytes);
    return null;
  }

  #endBlock(): void {
    if (this.#signature !== "") this.#writer.signature(this.#signature);
    this.#signature = "";
    if (this.#redacted.length > 0)
      this.#writer.redacted(Buffer.concat(this.#redacted).toString("base64"));
    this.#redacted = [];
    this.#redactedBytes = 0;
    this.#writer.endBlock();
  }
}

function objectOf(value: unknown): Json {
  return isObject(value) ? value : {};
}

/** Bedrock numbers its blocks; a piece without a number is of the first. */
function keyOf(index: unknown): number {
  return typeof index === "number" ? index : 0;
}
