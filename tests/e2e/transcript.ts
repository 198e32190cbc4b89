/** A coding session as Claude Code sends it: the history grows, and the cache markers in it move on. */
import { integer, type Random } from "../harness/scripts-random.ts";

interface Block {
  readonly type: string;
  readonly [field: string]: unknown;
}

interface Message {
  readonly role: "user" | "assistant" | "system";
  readonly content: string | readonly Block[];
  /** What the provider counts for it. */
  readonly tokens: number;
}

/** What the provider says of an answer: how many tokens it wrote. */
export interface TranscriptAnswer {
  readonly outputTokens: number;
}

export interface TranscriptOptions {
  /** System, tools and all else that is not a message. */
  readonly fixedTokens: number;
  /** Of the tokens that the rules allow to a text, how many the tokenizer makes: 0 to 1. */
  readonly appetite: number;
  /** What an answer thinks without showing it, at most. */
  readonly hiddenTokensMax: number;
  /** Bytes of its signature for each token that it thought; a real one has more than one. */
  readonly signatureBytesPerToken: number;
  /** The last so many messages carry a marker. */
  readonly markers: number;
}

const MARKER = { type: "ephemeral" };
const BLOCK_TOKENS = 64;
const NON_ASCII_TOKENS = 11;
const ESCAPE_TOKENS = 33;

/** Everything that a text may hold to look like structure, beside plain words and odd characters. */
const PIECES = [
  "const total = rows.reduce((sum, row) => sum + row.cost, 0);\n",
  "The test fails in line 12.\t",
  '{"role":"user","content":"no message"}',
  '"cache_control":{"type":"ephemeral"}',
  '[{"type":"image"},{"type":"tool_reference"}]',
  "\\u0041 \\\\u \\",
  "Grüße, 世界 🚀 ﷺ",
  "\u0001\u001f\u2028",
  "]}],",
] as const;

/** One agent's session: what has been said so far, and the body that says it. */
export class Transcript {
  /** Top-level fields behind `messages`, in the client's order. */
  readonly fields: Record<string, unknown>;
  readonly messages: Message[] = [];
  model = "claude-opus-5-5";
  markers: number;
  readonly #random: Random;
  readonly #options: TranscriptOptions;
  #calls = 0;

  constructor(random: Random, options: TranscriptOptions) {
    this.#random = random;
    this.#options = options;
    this.markers = options.markers;
    const system = (text: string, cached: boolean) =>
      cached ? { type: "text", text, cache_control: MARKER } : { type: "text", text };
    this.fields = {
      system: [system("x-billing", false), system("You are an agent.", true)],
      tools: [tool("Bash"), tool("Read"), { ...tool("Deferred"), defer_loading: true }],
      metadata: { user_id: '{"session_id":"s"}' },
      max_tokens: 128_000,
      thinking: { type: "adaptive", display: "omitted" },
      context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
      output_config: { effort: "high" },
      stream: true,
    };
    this.#say("user", [this.#text(), this.#text()]);
    this.#say("system", "# Environment");
  }

  /** The body of the next request. */
  body(): Buffer {
    const firstMarked = this.messages.length - this.markers;
    const messages = this.messages.map(({ role, content }, index) => ({
      role,
      content: index < firstMarked ? content : marked(content),
    }));
    return Buffer.from(JSON.stringify({ model: this.model, messages, ...this.fields }));
  }

  /** What the provider counts for `body()`. */
  inputTokens(): number {
    return this.messages.reduce((sum, { tokens }) => sum + tokens, this.#options.fixedTokens);
  }

  /** The model's turn, and what the client sends after it: tool results, a prompt, a reminder. */
  goOn(): TranscriptAnswer {
    const answer = this.#answer();
    if (answer.calls.length > 0) {
      this.#say("user", [...answer.calls.map((id) => this.#result(id)), ...this.#interjection()]);
    } else {
      const content = this.#random() < 0.5 ? this.#words() : [this.#text()];
      this.#say("user", content);
    }
    if (this.#random() < 0.3) this.#say("system", this.#words());
    return answer;
  }

  #answer(): TranscriptAnswer & { readonly calls: readonly string[] } {
    const calls: string[] = [];
    const blocks: Block[] = [];
    // What is thought is not shown: its tokens are in no byte of the history.
    const { hiddenTokensMax, signatureBytesPerToken } = this.#options;
    const hiddenTokens = this.#random() < 0.6 ? integer(this.#random, 0, hiddenTokensMax) : 0;
    const signature = "c".repeat(hiddenTokens * signatureBytesPerToken);
    if (hiddenTokens > 0) blocks.push({ type: "thinking", thinking: "", signature });
    if (this.#random() < 0.5) blocks.push(this.#text());
    for (let count = integer(this.#random, 0, 3); count > 0; count--) {
      const id = `toolu_${this.#calls++}`;
      calls.push(id);
      const input = { role: "x", "cache_control ": 1, command: this.#words() };
      blocks.push({ type: "tool_use", id, name: "Bash", input });
    }
    if (blocks.length === 0) blocks.push(this.#text());
    const seen = this.#say("assistant", blocks, hiddenTokens);
    return { calls, outputTokens: seen + hiddenTokens };
  }

  #result(id: string): Block {
    const isText = this.#random() < 0.5;
    const content = isText ? this.#words() : [this.#text()];
    return { tool_use_id: id, type: "tool_result", content, is_error: false };
  }

  #interjection(): Block[] {
    return this.#random() < 0.3 ? [this.#text()] : [];
  }

  #text(): Block {
    return { type: "text", text: this.#words() };
  }

  #words(): string {
    const count = integer(this.#random, 1, 6);
    return Array.from(
      { length: count },
      () => PIECES[integer(this.#random, 0, PIECES.length - 1)],
    ).join("");
  }

  #say(role: Message["role"], content: Message["content"], hiddenTokens = 0): number {
    const seen = Math.floor(allowedTokens(content) * this.#options.appetite);
    this.messages.push({ role, content, tokens: seen + hiddenTokens });
    return seen;
  }
}

/** The most tokens that the rules allow to a message with this content at rest. */
function allowedTokens(content: Message["content"]): number {
  const blocks = typeof content === "string" ? 0 : content.reduce((sum, it) => sum + nested(it), 0);
  const bytes = Buffer.from(JSON.stringify(content));
  const nonAscii = bytes.reduce((count, byte) => count + (byte > 0x7f ? 1 : 0), 0);
  const escapes = bytes.toString("latin1").replace(/\\\\/g, "").split("\\u").length - 1;
  return (
    bytes.length -
    nonAscii +
    NON_ASCII_TOKENS * nonAscii +
    ESCAPE_TOKENS * escapes +
    BLOCK_TOKENS * (1 + blocks)
  );
}

function nested({ content }: Block): number {
  return Array.isArray(content) ? 1 + content.length : 1;
}

/** A text becomes a list of one block to carry a marker; a list carries it on its last block. */
function marked(content: Message["content"]): readonly Block[] {
  const blocks = typeof content === "string" ? [{ type: "text", text: content }] : content;
  return blocks.map((block, index) =>
    index === blocks.length - 1 ? { ...block, cache_control: MARKER } : block,
  );
}

function tool(name: string): object {
  const input_schema = { type: "object", properties: { command: { type: "string" } } };
  return { name, description: `${name} does it.`, input_schema };
}
