/**
 * A session whose provider bills what it is asked for: it thinks as much as budget or effort let it, writes
 * until it is done or cut, searches as often as it may, and keeps its cache as long as it is told.
 */
import type { WireUsage } from "./bill.ts";
import { text, toolCalls, type MessageAnswer, type Script } from "./scripts.ts";
import { agentOf } from "./scripts-session.ts";
import type { ReceivedRequest } from "./upstream-request.ts";

/** The words with which the scripted session ends. */
export const LEVERS_DONE = "The report is written.";

/** Tokens that an adaptive turn thinks; whoever names no effort gets the API's `high`. */
const THOUGHTS: Readonly<Record<string, number>> = {
  low: 200,
  medium: 800,
  high: 2000,
  xhigh: 4000,
  max: 8000,
};
const REPORT_TOKENS = 20_000;
const TURN_TOKENS = 300;
const BYTES_PER_TOKEN = 4;
const UNCACHED_TOKENS = 3;

interface Body {
  readonly model: string;
  readonly max_tokens: number;
  readonly thinking?: { readonly type: string; readonly budget_tokens?: number };
  readonly output_config?: { readonly effort?: string };
  readonly speed?: string;
  readonly tools?: readonly { readonly type?: string; readonly max_uses?: number }[];
}

/** One search, one subagent, and a report that is longer than some caps. */
export function billedSession(): Script {
  let step = 0;
  let left = REPORT_TOKENS;
  const cache = new PromptCache();
  return (request) => {
    const body = request.json() as unknown as Body;
    const { searches, ...input } = cache.inputOf(request, body);
    const thinking = Math.min(thoughtsOf(body), body.max_tokens - 1);
    const answer = (made: MessageAnswer, visible: number): MessageAnswer => {
      const output = Math.min(thinking + visible, body.max_tokens);
      const isCut = output < thinking + visible;
      const usage: WireUsage = {
        ...input,
        output_tokens: output,
        output_tokens_details: { thinking_tokens: thinking },
        ...(searches === 0
          ? {}
          : { server_tool_use: { web_search_requests: searches, web_fetch_requests: 0 } }),
        ...(body.speed === undefined ? {} : { speed: body.speed }),
      };
      return { ...made, usage, ...(isCut ? { stopReason: "max_tokens" } : {}) };
    };
    if (searches > 0) return answer(text("Found."), TURN_TOKENS);
    if (agentOf(request) !== null) return answer(text("The subagent is done."), TURN_TOKENS);
    step += 1;
    if (step === 1)
      return answer(toolCalls([["toolu_1", "WebSearch", { query: "levers" }]]), TURN_TOKENS);
    if (step === 2) return answer(toolCalls([["toolu_2", "Agent", AGENT]]), TURN_TOKENS);
    if (left === 0) return answer(text(LEVERS_DONE), TURN_TOKENS);
    const written = Math.min(left, body.max_tokens - thinking);
    const asked = left;
    left -= written;
    return answer(text(left === 0 ? LEVERS_DONE : "The report, so far."), asked);
  };
}

const AGENT = { description: "Look", prompt: "Look around.", subagent_type: "general-purpose" };

function thoughtsOf({ thinking, output_config: asked }: Body): number {
  if (thinking?.type === "enabled") return Math.floor((thinking.budget_tokens ?? 0) / 2);
  if (thinking?.type !== "adaptive") return 0;
  return THOUGHTS[asked?.effort ?? "high"] ?? 0;
}

/** What of each conversation's prompt a provider has by now, for each model anew. */
class PromptCache {
  readonly #known = new Map<string, number>();

  inputOf(request: ReceivedRequest, body: Body) {
    const tokens = Math.ceil(request.body.length / BYTES_PER_TOKEN);
    const searches = (body.tools ?? [])
      .filter(({ type }) => type?.startsWith("web_search") === true)
      .reduce((sum, { max_uses: uses = 10 }) => sum + uses, 0);
    const markers = request.body.toString("utf8").match(/"cache_control":\{[^}]*\}/g);
    if (markers === null) return { searches, input_tokens: tokens };
    const name = `${body.model} ${agentOf(request) ?? "main"}`;
    const read = Math.min(this.#known.get(name) ?? 0, tokens);
    this.#known.set(name, tokens);
    const written = tokens - read;
    const isHour = markers.some((marker) => marker.includes('"ttl":"1h"'));
    return {
      searches,
      input_tokens: UNCACHED_TOKENS,
      cache_read_input_tokens: read,
      cache_creation_input_tokens: written,
      cache_creation: {
        ephemeral_5m_input_tokens: isHour ? 0 : written,
        ephemeral_1h_input_tokens: isHour ? written : 0,
      },
    };
  }
}
