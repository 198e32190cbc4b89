/** Seeded random traffic: answers whose usage lies within what their requests can cost, and faults. */
import { apiError, htmlError, usage, type Answer, type MessageAnswer } from "./scripts.ts";
import type { ReceivedRequest } from "./upstream-request.ts";

/** A number in [0, 1), the next of its sequence. */
export type Random = () => number;

/** The mulberry32 sequence of a seed: equal seeds, equal numbers. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An integer from `least` to `most`, both included. */
export function integer(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

export interface RandomAnswer {
  /** Tokens that the request may hold, all kinds together. */
  readonly inputTokens: number;
  /** Share of answers that go wrong in some way. */
  readonly faults: number;
}

/**
 * A sound answer of random size and pace within the request's `max_tokens`, or now and then one that
 * goes wrong. Tokens come within milliseconds: keep `max_tokens` to what a fast model makes in a second.
 */
export function randomAnswer(
  random: Random,
  limits: RandomAnswer,
  request: ReceivedRequest,
): Answer {
  const maxTokens = request.json().max_tokens ?? 1;
  const sound = soundAnswer(random, maxTokens, limits.inputTokens);
  if (random() >= limits.faults) return sound;
  const afterEvents = integer(random, 0, 6);
  switch (integer(random, 0, 7)) {
    case 0:
      return apiError(529, "overloaded_error", "Overloaded");
    case 1:
      return apiError(500, "api_error", "Internal server error");
    case 2:
      return { ...htmlError(502), charged: { ...sound.usage, output_tokens: 0 } };
    case 3:
      return { ...sound, fault: { kind: "reset_before_head" } };
    case 4:
      return { ...sound, fault: { kind: "reset", afterEvents } };
    case 5:
      return { ...sound, fault: { kind: "half_frame", afterEvents } };
    case 6:
      return { ...sound, fault: { kind: "early_end", afterEvents } };
    default:
      return { ...sound, fault: { kind: "error_event", afterEvents, type: "overloaded_error" } };
  }
}

function soundAnswer(random: Random, maxTokens: number, inputTokens: number): MessageAnswer {
  const input = integer(random, 1, inputTokens);
  const read = integer(random, 0, input);
  const words = "word ".repeat(integer(random, 1, 40));
  return {
    kind: "message",
    content: [{ type: "text", text: words }],
    usage: usage({
      input_tokens: input - read,
      cache_read_input_tokens: read,
      output_tokens: integer(random, 1, maxTokens),
    }),
    delivery: { headDelayMs: integer(random, 0, 20), eventDelayMs: integer(random, 0, 4) },
  };
}
