/** The provider of a workload: counts tokens by bytes, keeps a prompt cache by markers, answers as planned. */
import { createHash } from "node:crypto";
import type { WireUsage } from "../harness/bill.ts";
import {
  apiError,
  usage,
  type Answer,
  type MessageAnswer,
  type Script,
} from "../harness/scripts.ts";
import type { Block } from "../harness/sse.ts";
import { sessionOf, type ReceivedRequest } from "../harness/upstream-request.ts";
import { agentOf } from "../harness/scripts-session.ts";
import { PARAMETERS } from "../simulation/parameters.ts";
import { BYTES_A_TOKEN, MARKER, words } from "./workload-conversation.ts";

/** What an agent's next answer is to be. */
export interface Plan {
  readonly outputTokens: number;
  readonly firstTokenMs: number;
  readonly fate: "answered" | "cut" | "non200";
  readonly cacheLuck: number;
  readonly isPrefixShared: boolean;
  /** On the agent's own clock, since its call before. */
  readonly idleMs: number;
}

export interface Provider {
  readonly script: Script;
  /** Sets what the next request of the agent is answered with; `name` as `planName` says. */
  readonly plan: (name: string, plan: Plan) => void;
}

/** Messages of an agent that are in the cache. */
interface CacheEntry {
  readonly fixedHash: string;
  readonly bytes: number;
  readonly hash: string;
}

/** Seen are no more tokens of an answer than this; the others are thought. */
const SHOWN_TOKENS_MAX = 150;
const SHOWN_SHARE = 0.55;
const UNCACHED_TOKENS = 3;
const EVENT_DELAY_MS = 1;
const MESSAGES_START = '"messages":[';
const MESSAGES_END = '],"system":';
const FIXED_END = ',"metadata":';

/** The main loop, an agent of it, or a call outside of both. */
export function planName(session: string, agent: string | null): string {
  return `${session}|${agent ?? "main"}`;
}

/** The content of an answer of so many tokens: most of a long one is thought and not shown. */
export function answerBlocks(id: string, tokens: number): Block[] {
  const shown = Math.ceil(Math.min(SHOWN_TOKENS_MAX, tokens * SHOWN_SHARE));
  const signature = words(tokens - shown).replaceAll(/[^A-Za-z0-9]/g, "+");
  const command = words(shown);
  return [
    { type: "thinking", thinking: "", signature },
    { type: "tool_use", id: `toolu_${id}`, name: "Tool0", input: { command } },
  ];
}

export function createProvider(): Provider {
  const plans = new Map<string, Plan>();
  const entries = new Map<string, CacheEntry>();
  const shared = new Set<string>();

  /** Bytes of the prompt that are read from the cache; all of it is in there afterwards. */
  function cachedBytes(name: string, text: string, plan: Plan): number {
    const plain = text.replaceAll(MARKER, "");
    const from = plain.indexOf(MESSAGES_START) + MESSAGES_START.length;
    const to = plain.indexOf(MESSAGES_END, from);
    const fixed = plain.slice(to, plain.indexOf(FIXED_END, to));
    const messages = plain.slice(from, to);
    const fixedHash = hashOf(`${plain.slice(0, from)}${fixed}`);
    const entry = isAlive(plan) ? entries.get(name) : undefined;
    const isHit =
      entry?.fixedHash === fixedHash && entry.hash === hashOf(messages.slice(0, entry.bytes));
    const isShared = plan.isPrefixShared && shared.has(fixedHash);
    entries.set(name, { fixedHash, bytes: messages.length, hash: hashOf(messages) });
    shared.add(fixedHash);
    if (isHit) return fixed.length + entry.bytes;
    return isShared ? fixed.length : 0;
  }

  function inputUsage(name: string, request: ReceivedRequest, plan: Plan): Partial<WireUsage> {
    const all = Math.floor(request.body.length / BYTES_A_TOKEN);
    if (!request.body.includes(MARKER)) return { input_tokens: all };
    const text = request.body.toString("latin1");
    const read = Math.floor(cachedBytes(name, text, plan) / BYTES_A_TOKEN);
    return {
      input_tokens: UNCACHED_TOKENS,
      cache_read_input_tokens: read,
      cache_creation_input_tokens: Math.max(0, all - read - UNCACHED_TOKENS),
    };
  }

  function answer(request: ReceivedRequest): Answer {
    const { max_tokens: most = 0, tools, stream } = request.json();
    const agent = tools === undefined ? "aside" : agentOf(request);
    const name = planName(sessionOf(request) ?? "", agent);
    const plan = plans.get(name);
    if (plan === undefined) throw new Error(`nothing is planned for ${name}`);
    if (plan.fate === "non200") return apiError(529, "overloaded_error", "Overloaded");
    const given = Math.min(plan.outputTokens, most);
    const input = inputUsage(name, request, plan);
    const whole: MessageAnswer = {
      kind: "message",
      content: answerBlocks(String(request.index), given),
      usage: usage({ ...input, output_tokens: given }),
      stopReason: given < plan.outputTokens ? "max_tokens" : "tool_use",
      delivery: { headDelayMs: plan.firstTokenMs, eventDelayMs: EVENT_DELAY_MS },
    };
    const isCut = plan.fate === "cut" && stream === true;
    return isCut ? { ...whole, fault: { kind: "reset", afterEvents: 4 } } : whole;
  }

  return { script: answer, plan: (name, plan) => void plans.set(name, plan) };
}

function isAlive({ cacheLuck, idleMs }: Plan): boolean {
  const { ttlMs, deadAfterTtl, suddenDeath } = PARAMETERS.cache;
  return cacheLuck >= (idleMs > ttlMs ? deadAfterTtl : suddenDeath);
}

function hashOf(text: string): string {
  return createHash("sha1").update(text, "latin1").digest("base64");
}
