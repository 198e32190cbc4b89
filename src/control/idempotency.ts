/** Repeats of a call with the same `Idempotency-Key` change nothing: they are answered as the first one was. */
import { hash } from "node:crypto";
import type { Clock } from "../core/time.ts";
import type { RepeatMark } from "../journal/record.ts";
import type { Asker, ControlPorts } from "./ports.ts";
import { Problem } from "./problem.ts";
import type { RawCall, Reply } from "./route.ts";

/** A call that may come again. */
export interface RepeatableCall {
  /** Method and path. */
  readonly name: string;
  readonly call: Pick<RawCall, "headers" | "body" | "actor">;
  /** Carries it out; what it journals bears the mark of `by`. */
  readonly act: (by: Asker) => Promise<Reply>;
  /** Answers a repeat of a call whose first answer is forgotten, from the ids of what it changed. */
  readonly again: (ids: readonly string[]) => Promise<Reply> | Reply;
}

export interface Idempotency {
  /**
   * Runs `act`, or gives what it gave when this key came first; after a restart, what `again` gives.
   * Failures are forgotten: they may be tried again.
   *
   * @throws Problem where the key came with another body before.
   */
  readonly once: (repeatable: RepeatableCall) => Promise<Reply>;
}

interface Remembered {
  readonly request: string;
  readonly reply: Promise<Reply>;
  readonly untilMs: number;
}

const REMEMBERED_MS = 24 * 3_600_000;
const KEYS_MAX = 10_000;
export const KEY_CHARACTERS_MAX = 255;

/**
 * Remembers answers in memory, for 24 hours or until 10,000 newer keys have come; that a call was
 * carried out is in the journal besides.
 */
export function createIdempotency({
  clock,
  doneCalls,
}: {
  readonly clock: Clock;
  readonly doneCalls: ControlPorts["doneCalls"];
}): Idempotency {
  const known = new Map<string, Remembered>();
  return {
    async once({ name, call, act, again }) {
      const { actor } = call;
      const mark = markOf(name, call);
      if (mark === null) return act({ actor });
      forget(known, clock.monotonicMs());
      const before = known.get(mark.key);
      if (before !== undefined) {
        checkSame(before, mark);
        return before.reply;
      }
      const done = doneCalls.find(mark.key);
      if (done !== null) {
        checkSame(done, mark);
        return again(done.ids);
      }
      const reply = act({ actor, idempotency: mark });
      const untilMs = clock.monotonicMs() + REMEMBERED_MS;
      known.set(mark.key, { request: mark.request, reply, untilMs });
      reply.catch(() => known.delete(mark.key));
      return reply;
    },
  };
}

/** Null: it has no key. Digests alone are kept: what clients write there is theirs. */
function markOf(name: string, { headers, body }: RepeatableCall["call"]): RepeatMark | null {
  const key = headers["idempotency-key"];
  if (key === undefined) return null;
  if (typeof key !== "string" || key === "" || key.length > KEY_CHARACTERS_MAX) {
    const detail = `The header Idempotency-Key is not 1 to ${KEY_CHARACTERS_MAX} characters.`;
    throw new Problem("invalid_parameter", detail, { parameter: "Idempotency-Key" });
  }
  return {
    key: hash("sha256", `${name} ${key}`),
    request: hash("sha256", JSON.stringify(body ?? null)),
  };
}

function checkSame(before: { readonly request: string }, mark: RepeatMark): void {
  if (before.request === mark.request) return;
  const detail =
    "The Idempotency-Key came with another body before: use a new key for another request.";
  throw new Problem("idempotency_key_reused", detail, { parameter: "Idempotency-Key" });
}

/** Maps keep the order of insertion, so the oldest are at the front. */
function forget(known: Map<string, Remembered>, nowMs: number): void {
  for (const [identity, { untilMs }] of known) {
    if (untilMs > nowMs && known.size < KEYS_MAX) return;
    known.delete(identity);
  }
}
