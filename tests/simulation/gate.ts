/** The gateway's admission in virtual time: the product's own rules and ledger, with modelled waits. */
import { withCountMargin } from "../../src/gateway/settle.ts";
import type { BodyFacts } from "../../src/core/body-facts.ts";
import { roundUp } from "../../src/core/money.ts";
import type { BilledUsage, Usage } from "../../src/core/usage.ts";
import { exceedsCap } from "../../src/ledger/amounts.ts";
import type { Hold, Ledger } from "../../src/ledger/ledger.ts";
import { inputTokensAfter, TurnMemory, type Appendix } from "../../src/ledger/memory.ts";
import type { Meter, Window } from "../../src/ledger/state.ts";
import type { Bound } from "../../src/pricing/bound.ts";
import { costOf } from "../../src/pricing/cost.ts";
import type { PriceBook } from "../../src/pricing/price-book.ts";
import type { ModelPrice } from "../../src/pricing/price.ts";
import { sleep, type EventLoop, type Process } from "./events.ts";
import { PARAMETERS } from "./parameters.ts";
import { recordOf } from "./record.ts";
import type { Ruler, Verdict } from "./ruler.ts";

/** Which rungs of the ladder are there besides bytes, clamps and refusals. */
export interface Rungs {
  readonly memory: boolean;
  readonly count: boolean;
  readonly wait: boolean;
  /** Holds shrink when an answer starts. */
  readonly release: boolean;
}

export const ALL_RUNGS: Rungs = { memory: true, count: true, wait: true, release: true };

/** A request as it reaches the gateway. */
export interface Arrival {
  readonly virtualKey: string;
  readonly session: string;
  /** The agent's turns; what the memory knows them by. */
  readonly turnName: string;
  /** What it adds to the turn before; null where it does not go on from it. */
  readonly appendix: Appendix | null;
  readonly model: string;
  readonly facts: BodyFacts;
  /** `max_tokens` as the client asks. */
  readonly asked: number;
  readonly isCompaction: boolean;
  /** What nobody but an oracle and the upstream's count can know. */
  readonly truth: { readonly inputTokens: number; readonly outputTokens: number };
}

/** What is known of an arrival's input besides its bytes. */
export interface Known {
  readonly tokens: number | null;
  /** So many of them were in the prompt of the turn before. */
  readonly cached: number;
  /** The answer before was cut at this clamped `max_tokens`; null: it was not. */
  readonly cutAt: number | null;
}

export interface Grant {
  readonly arrival: Arrival;
  readonly hold: Hold;
  readonly price: ModelPrice;
  readonly bound: Bound;
  readonly maxTokens: number;
  /** Looked at closely: its exact figures are worth remembering. */
  readonly isTight: boolean;
}

export type RefusalCode = "budget_exhausted" | "request_exceeds_budget" | "budget_busy";
export type Outcome = Grant | { readonly refused: RefusalCode };

/** What happens at the gate, told as it happens. `settledShare`: of the fullest window's cap. */
export interface Witness {
  onAdmitted: (grant: Grant, waitedMs: number) => void;
  onCounted: () => void;
  /** One more waits, or one less. */
  onWaiting: (change: 1 | -1, atMs: number, settledShare: number) => void;
  onRefused: (code: RefusalCode, settledShare: number) => void;
  onSettled: (grant: Grant, cost: bigint, usage: Usage) => void;
}

interface Waiter {
  readonly tryAgain: () => boolean;
}

/** As configured: `budget_wait_seconds`. */
const WAIT_AT_MOST_MS = 60_000;

export interface GateParts {
  readonly loop: EventLoop;
  readonly ledger: Ledger;
  readonly meters: readonly Meter[];
  readonly book: PriceBook;
  readonly ruler: Ruler;
  readonly rungs: Rungs;
  readonly witness: Witness;
}

export class Gate {
  readonly #parts: GateParts;
  readonly #memory = new TurnMemory();
  readonly #waiters = new Set<Waiter>();
  #isWoken = false;
  #taken = 0;

  constructor(parts: GateParts) {
    this.#parts = parts;
    parts.ledger.onFreed(() => this.#wake());
  }

  /** Up the ladder: decided at once, after a count, or after a wait. */
  *admit(arrival: Arrival): Process<Outcome> {
    const { loop, ruler, rungs, witness } = this.#parts;
    let known = this.#recall(arrival);
    let verdict = this.#judge(arrival, known);
    if (rungs.count && ruler.wantsCount(arrival, known, { ...this.#context(arrival), verdict })) {
      witness.onCounted();
      yield* sleep(loop, PARAMETERS.counting.latencyMs);
      const counted = withCountMargin(arrival.truth.inputTokens);
      known = { ...known, tokens: Math.min(counted, known.tokens ?? counted) };
      verdict = this.#judge(arrival, known);
    }
    if (verdict.fits) return this.#take(arrival, verdict, 0);
    if (verdict.code === "budget_busy" && rungs.wait) return yield* this.#wait(arrival, known);
    return this.#refuse(arrival, verdict.code);
  }

  #refuse(arrival: Arrival, refused: RefusalCode): Outcome {
    this.#parts.witness.onRefused(refused, this.#settledShare(arrival));
    return { refused };
  }

  /** Settled share of the fullest window that the arrival would spend from. */
  #settledShare(arrival: Arrival): number {
    const shares = this.#context(arrival).windows.map(
      ({ settled, meter }) => Number(settled) / Number(meter.cap ?? 1n),
    );
    return Math.max(0, ...shares);
  }

  #recall(arrival: Arrival): Known {
    const turn = this.#parts.rungs.memory ? this.#memory.recall(arrival.turnName) : null;
    if (turn === null) return { tokens: null, cached: 0, cutAt: null };
    const { appendix } = arrival;
    const tokens = appendix === null ? null : inputTokensAfter(turn, appendix);
    return { tokens, cached: tokens === null ? 0 : turn.inputTokens, cutAt: turn.cutAt };
  }

  #context(arrival: Arrival): { readonly windows: Window[]; readonly nowMs: number } {
    const { loop, ledger, meters } = this.#parts;
    const session = { virtualKey: arrival.virtualKey, name: arrival.session };
    const windows = meters.map((meter) => ledger.windowAt(meter, loop.nowMs, session));
    return { windows, nowMs: loop.nowMs };
  }

  #judge(arrival: Arrival, known: Known): Verdict {
    return this.#parts.ruler.judge(arrival, known, this.#context(arrival));
  }

  #take(arrival: Arrival, verdict: Verdict & { fits: true }, waitedMs: number): Grant {
    const { ledger, witness } = this.#parts;
    const { windows, nowMs } = this.#context(arrival);
    const { bound, maxTokens, price, isTight } = verdict;
    const need = bound.need;
    for (const window of windows) {
      const excess = window.settled + window.held + need - (window.meter.cap ?? 0n);
      if (excess > 0n && !exceedsCap(window, need)) throw new Error(`over the cap by ${excess}`);
    }
    const id = `${++this.#taken}/1`;
    const record = recordOf(arrival.model);
    const admittedMs = nowMs;
    const hold = ledger.take({ id, record, windows, admittedMs, need, shadowNeed: need });
    const grant = { arrival, hold, price, bound, maxTokens, isTight };
    witness.onAdmitted(grant, waitedMs);
    return grant;
  }

  *#wait(arrival: Arrival, known: Known): Process<Outcome> {
    const { loop, witness } = this.#parts;
    const sinceMs = loop.nowMs;
    witness.onWaiting(1, sinceMs, this.#settledShare(arrival));
    let outcome: Outcome | null = null;
    yield (resume) => {
      const leave = (end: Outcome): void => {
        outcome = end;
        this.#waiters.delete(waiter);
        loop.at(loop.nowMs, resume);
      };
      const waiter: Waiter = {
        tryAgain: () => {
          const verdict = this.#judge(arrival, known);
          if (!verdict.fits && verdict.code === "budget_busy") return false;
          const waitedMs = loop.nowMs - sinceMs;
          leave(
            verdict.fits
              ? this.#take(arrival, verdict, waitedMs)
              : this.#refuse(arrival, verdict.code),
          );
          return true;
        },
      };
      this.#waiters.add(waiter);
      loop.at(sinceMs + WAIT_AT_MOST_MS, () => {
        if (outcome === null) leave(this.#refuse(arrival, "budget_busy"));
      });
    };
    witness.onWaiting(-1, loop.nowMs, this.#settledShare(arrival));
    return outcome ?? { refused: "budget_busy" };
  }

  /** Once for all that becomes free at one moment; the oldest first, but any that fits may pass. */
  #wake(): void {
    if (this.#isWoken || this.#waiters.size === 0) return;
    this.#isWoken = true;
    this.#parts.loop.at(this.#parts.loop.nowMs, () => {
      this.#isWoken = false;
      for (const waiter of this.#waiters) waiter.tryAgain();
    });
  }

  /** The upstream has said what it read: the rest of the input's hold is free. */
  started(grant: Grant, input: Usage): void {
    if (!this.#parts.rungs.release || !grant.isTight) return;
    const { outputTokens, outputPico } = grant.bound;
    const need =
      this.#cost(grant, { ...input, output_tokens: 0 }) +
      roundUp(BigInt(outputTokens) * outputPico);
    if (need < grant.hold.need) this.#parts.ledger.release(grant.hold, need);
  }

  /** Replaces the hold by the cost. */
  settle(grant: Grant, usage: Usage): bigint {
    const { ledger, loop } = this.#parts;
    const cost = this.#cost(grant, usage);
    if (cost > grant.hold.need)
      throw new Error(`the bound is wrong: ${cost} of ${grant.hold.need}`);
    ledger.settle(grant.hold, { cost, usage }, loop.nowMs);
    this.#parts.witness.onSettled(grant, cost, usage);
    for (const window of grant.hold.windows) {
      const isOver = window.settled > (window.meter.cap ?? 0n);
      if (isOver && window.meter.overshoot === "none") throw new Error("settled over the cap");
    }
    return cost;
  }

  /** Remembers an answer's exact figures where they are worth it; says whether it did. */
  learn(grant: Grant, usage: Usage, end: "whole" | "cut"): boolean {
    if (!grant.isTight) return false;
    const { arrival, maxTokens } = grant;
    this.#memory.remember(arrival.turnName, {
      // Whether the next body begins with this one is the client's own word here.
      prefix: { bytes: 0, hash: "" },
      shape: "",
      inputTokens: arrival.truth.inputTokens,
      outputTokens: usage.output_tokens,
      images: 0,
      cutAt: end === "cut" && maxTokens < arrival.asked ? maxTokens : null,
    });
    return true;
  }

  cancel(grant: Grant): void {
    this.#parts.ledger.cancel(grant.hold, this.#parts.loop.nowMs);
  }

  #cost(grant: Grant, usage: Usage): bigint {
    const { book } = this.#parts;
    const { price, hold } = grant;
    return costOf(billedUsage(usage), { book, price, atMs: hold.admittedMs });
  }
}

function billedUsage(usage: Usage): BilledUsage {
  const passes = [{ model: null, usage, free: false }];
  return { usage, passes, speed: null, inferenceGeo: null, serviceTier: null };
}
