/** The context of one agent as Claude Code sends it: resent whole, three cache markers, blocks only. */
import type { Block } from "../harness/sse.ts";

/** What text of a coding session comes to; the scripted provider counts by it. */
export const BYTES_A_TOKEN = 4.1;
/** As in the bodies, so that the provider can find what stays when the last one moves on. */
export const MARKER = ',"cache_control":{"type":"ephemeral"}';

export interface ConversationShape {
  readonly model: string;
  readonly session: string;
  readonly tools: number;
  /** Tokens of tools and system, which colleagues on the same client send, too. */
  readonly fixedTokens: number;
  /** All tokens of the context that it starts with, the fixed ones included. */
  readonly startTokens: number;
}

const LINE = "const total = rows.reduce((sum, row) => sum + row.cost, 0); // of all rows\n";
const BLOCK_END = "}]}";
const TOOL_SHARE = 0.7;

/** About so many tokens of code; never none. */
export function words(tokens: number): string {
  const bytes = Math.max(1, Math.round(tokens * BYTES_A_TOKEN));
  return LINE.repeat(Math.ceil(bytes / LINE.length)).slice(0, bytes);
}

export class Conversation {
  readonly shape: ConversationShape;
  readonly #head: string;
  readonly #fixed: string;
  #messages: string[] = [];

  constructor(shape: ConversationShape) {
    this.shape = shape;
    this.#head = `{"model":${JSON.stringify(shape.model)},"messages":[`;
    this.#fixed = fixedFields(shape);
    this.restart(shape.startTokens);
  }

  /** About what the next body comes to. */
  get tokens(): number {
    const bytes = this.#messages.reduce((sum, { length }) => sum + length, this.#fixed.length);
    return Math.round(bytes / BYTES_A_TOKEN);
  }

  /** Begins again with a context of so many tokens. */
  restart(tokens: number): void {
    this.#messages = [];
    const [reminder, environment] = [0.6, 0.4].map((share) =>
      words(Math.max(1, share * (tokens - this.shape.fixedTokens))),
    );
    this.say("user", [{ type: "text", text: reminder }]);
    this.say("system", [{ type: "text", text: environment }]);
  }

  say(role: "user" | "assistant" | "system", content: readonly Block[]): void {
    this.#messages.push(JSON.stringify({ role, content }));
  }

  /** The next request; its last block carries the marker. */
  body(of: { readonly maxTokens: number; readonly stream: boolean }): Buffer {
    const before = this.#messages.slice(0, -1).map((message) => `${message},`);
    const last = this.#messages.at(-1) ?? "";
    const marked = `${last.slice(0, -BLOCK_END.length)}${MARKER}${BLOCK_END}`;
    const { maxTokens, stream } = of;
    const tail = `,"max_tokens":${maxTokens},"stream":${stream}}`;
    return Buffer.from(`${this.#head}${before.join("")}${marked}],${this.#fixed}${tail}`);
  }
}

function fixedFields({ session, tools, fixedTokens }: ConversationShape): string {
  const text = words(fixedTokens * (1 - TOOL_SHARE));
  const description = words((fixedTokens * TOOL_SHARE) / tools);
  const input_schema = { type: "object", properties: { command: { type: "string" } } };
  const cached = { type: "text", cache_control: { type: "ephemeral" } };
  const fields = {
    system: [
      { type: "text", text: "x-billing" },
      { ...cached, text: "You are an agent." },
      { text, ...cached },
    ],
    tools: Array.from({ length: tools }, (_, index) => ({
      name: `Tool${index}`,
      description,
      input_schema,
    })),
    metadata: { user_id: JSON.stringify({ session_id: session }) },
    thinking: { type: "adaptive", display: "omitted" },
    context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
    output_config: { effort: "medium" },
  };
  return JSON.stringify(fields).slice(1, -1);
}
