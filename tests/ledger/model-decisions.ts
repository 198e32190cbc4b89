/** What the rules say to an attempt, told from the model's counters: which answer fits, or who refuses. */
import { calendarLabel } from "./labels.ts";
import {
  type Books,
  isReserving,
  labelOf,
  type Model,
  type ModelMeter,
  PERIOD_MS,
  type Subject,
} from "./model.ts";

/** What an attempt asks for. */
export interface Ask {
  readonly subject: Subject;
  /** Meters of its plan that are in force, outermost first. */
  readonly meters: readonly ModelMeter[];
  readonly asked: number;
  readonly floor: number;
  readonly compaction: boolean;
  readonly inputNeed: bigint;
  readonly pricePerToken: bigint;
  readonly inputTokens: number;
}

export type Verdict =
  | { readonly fits: true; readonly maxTokens: number; readonly need: bigint }
  | { readonly fits: false; readonly code: string; readonly meter: string };

interface Short {
  readonly code: string;
  readonly meter: ModelMeter;
  /** Infinity: never by time alone. */
  readonly resetMs: number;
}

export function verdictOn(ask: Ask, model: Model, nowMs: number, books: Books): Verdict {
  return new Judge(ask, model, nowMs, books).verdict();
}

/** Floating point is exact here: amounts are far below 2⁵³. */
class Judge {
  readonly #ask: Ask;
  readonly #model: Model;
  readonly #nowMs: number;
  readonly #books: Books;

  constructor(ask: Ask, model: Model, nowMs: number, books: Books) {
    this.#ask = ask;
    this.#model = model;
    this.#nowMs = nowMs;
    this.#books = books;
  }

  verdict(): Verdict {
    const limits = this.#ask.meters
      .filter((meter) => meter.unit !== "usd" && !isReserving(meter))
      .flatMap((meter) => this.#limit(meter));
    const own = limits.filter(isOwn);
    const later = own.length === 0 ? [] : this.#reserved(this.#atMost(2_000));
    const limit = worst([...own, ...later], RATES_FIRST) ?? worst(limits, RATES_FIRST);
    if (limit !== null)
      return isOwn(limit) ? refused(limit) : refused({ ...limit, code: AT_CAPACITY });
    const first = this.#clamped();
    const refusal = this.#try(first);
    if (refusal === null) return this.#fits(first);
    if (isBusy(refusal)) return refused(refusal);
    for (const step of [4_000, 2_000]) {
      const smaller = this.#atMost(step);
      if (smaller >= first) continue;
      const other = this.#try(smaller);
      if (other === null) return this.#fits(smaller);
      if (isBusy(other)) return refused(other);
    }
    return refused(refusal);
  }

  #fits(maxTokens: number): Verdict {
    return { fits: true, maxTokens, need: this.#need(maxTokens) };
  }

  #need(maxTokens: number): bigint {
    return this.#ask.inputNeed + BigInt(maxTokens) * this.#ask.pricePerToken;
  }

  /** Never below the thinking budget, never above what was asked. */
  #atMost(step: number): number {
    return Math.min(this.#ask.asked, Math.max(step, this.#ask.floor));
  }

  /** Rung 3 by money and by output, of which the smaller counts. */
  #clamped(): number {
    const { meters } = this.#ask;
    const money = meters.filter(
      (one) => one.unit === "usd" || (one.unit === "cost" && isReserving(one)),
    );
    const output = meters.filter((one) => one.unit === "output_tokens" && isReserving(one));
    return Math.min(
      this.#clampedBy(money, (maxTokens) => Number(this.#need(maxTokens))),
      this.#clampedBy(output, (maxTokens) => maxTokens),
    );
  }

  /** Rung 3, sentence by sentence. */
  #clampedBy(meters: readonly ModelMeter[], need: (maxTokens: number) => number): number {
    const counted = meters.map((meter) => this.#headroom(meter));
    if (counted.length === 0) return this.#ask.asked;
    const [tightest] = counted.toSorted((left, right) => Number(left.headroom - right.headroom));
    const { headroom = 0n, inFlight = 0 } = tightest ?? {};
    const times = (maxTokens: number, factor: number) => need(maxTokens) * factor;
    const room = Number(headroom);
    for (const step of [this.#ask.asked, 64_000, 32_000])
      if (times(this.#atMost(step), Math.max(4, 1 + inFlight / 4)) <= room)
        return this.#atMost(step);
    if (times(this.#atMost(32_000), 1 + inFlight / 4) <= room) return this.#atMost(32_000);
    if (times(this.#atMost(16_000), 1) <= room) return this.#atMost(16_000);
    return this.#atMost(this.#ask.compaction ? 16_000 : 8_000);
  }

  #headroom(meter: ModelMeter): { readonly headroom: bigint; readonly inFlight: number } {
    const { settled, held, inFlight } = this.#count(meter);
    if (meter.burst === null) return { headroom: meter.cap - settled - held, inFlight };
    const level = this.#model.level(meter, this.#nowMs, this.#books);
    const whole = BigInt(Math.floor(Number(level) / periodOf(meter)));
    return { headroom: whole, inFlight };
  }

  /** Limits on tokens and cost that have no room for what the attempt may use. */
  #reserved(maxTokens: number): Short[] {
    return this.#ask.meters.flatMap((meter): Short[] => {
      if (!isReserving(meter)) return [];
      const { input_tokens, output_tokens, cost } = {
        input_tokens: BigInt(this.#ask.inputTokens),
        output_tokens: BigInt(maxTokens),
        cost: this.#need(maxTokens),
      };
      const asked = { input_tokens, output_tokens, cost }[meter.unit as "cost"];
      const { headroom } = this.#headroom(meter);
      if (headroom >= asked) return [];
      const most = meter.burst === null ? meter.cap : BigInt(meter.burst);
      if (asked > most) return [{ code: "rate_limited", meter, resetMs: Infinity }];
      const { held } = this.#count(meter);
      if (asked <= headroom + held) return [{ code: "limit_busy", meter, resetMs: Infinity }];
      return [{ code: "rate_limited", meter, resetMs: this.#roomMs(meter, asked) }];
    });
  }

  #roomMs(meter: ModelMeter, asked: bigint): number {
    const { span, cap } = meter;
    if (meter.burst !== null) {
      const level = this.#model.level(meter, this.#nowMs, this.#books);
      const missing = Number(asked) * periodOf(meter) - Number(level);
      return cap === 0n ? Infinity : this.#nowMs + Math.ceil(missing / Number(cap));
    }
    if (span?.kind === "calendar") return this.#endOf(span);
    if (span?.kind !== "rolling") return Infinity;
    const { held } = this.#count(meter);
    return this.#leftMs(meter, asked + held <= cap ? cap - asked - held : cap - asked);
  }

  #count(meter: ModelMeter) {
    const label = labelOf(meter, this.#nowMs, this.#ask.subject);
    return this.#model.count(meter, label, this.#nowMs, this.#books);
  }

  #limit(meter: ModelMeter): Short[] {
    const { unit, cap, span, burst } = meter;
    if (burst !== null) return this.#bucket(meter);
    const { settled, held } = this.#count(meter);
    if (settled + held < cap) return [];
    if (unit === "concurrent") return [{ code: "concurrency_limited", meter, resetMs: Infinity }];
    if (span?.kind === "calendar" && cap > 0n)
      return [{ code: "rate_limited", meter, resetMs: this.#endOf(span) }];
    if (span?.kind !== "rolling" || cap < 1n)
      return [{ code: "rate_limited", meter, resetMs: Infinity }];
    const resetMs = held >= cap ? this.#nowMs + span.spanMs : this.#leftMs(meter, cap - held - 1n);
    return [{ code: "rate_limited", meter, resetMs }];
  }

  #bucket(meter: ModelMeter): Short[] {
    const one = BigInt(periodOf(meter));
    const level = this.#model.level(meter, this.#nowMs, this.#books);
    if (level >= one) return [];
    const waitMs = meter.cap === 0n ? Infinity : Math.ceil(Number(one - level) / Number(meter.cap));
    return [{ code: "rate_limited", meter, resetMs: this.#nowMs + waitMs }];
  }

  #try(maxTokens: number): Short | null {
    const need = this.#need(maxTokens);
    const short = this.#ask.meters.flatMap((meter): Short[] => {
      if (meter.unit !== "usd") return [];
      const { settled, held } = this.#count(meter);
      if (settled + held + need <= meter.cap) return [];
      if (settled < meter.cap && settled + need <= meter.cap)
        return [{ code: "budget_busy", meter, resetMs: Infinity }];
      const isSpent = meter.cap === 0n || Number(settled) * 100 > Number(meter.cap) * 95;
      const code = isSpent ? "budget_exhausted" : "request_exceeds_budget";
      return [{ code, meter, resetMs: this.#resetOf(meter, need) }];
    });
    return worst([...this.#reserved(maxTokens), ...short], CLAIMS);
  }

  #resetOf(meter: ModelMeter, need: bigint): number {
    const { span } = meter;
    if (span?.kind === "calendar") return this.#endOf(span);
    if (span?.kind !== "rolling") return Infinity;
    return this.#leftMs(meter, need < meter.cap ? meter.cap - need : 0n);
  }

  /** When so little is left of what a rolling window has settled. */
  #leftMs(meter: ModelMeter, enough: bigint): number {
    const { span } = meter;
    if (span?.kind !== "rolling") return Infinity;
    if (this.#count(meter).settled <= enough) return Infinity;
    // Sixty buckets and the running one: by then all that is settled now has gone.
    const size = BigInt(span.spanMs);
    const now = (BigInt(this.#nowMs) * 60n) / size;
    for (let index = now - 60n; index <= now + 1n; index++) {
      const edgeMs = Number((index * size + 59n) / 60n) + span.spanMs;
      if (edgeMs <= this.#nowMs) continue;
      const then = this.#model.count(meter, "", edgeMs, this.#books);
      if (then.settled <= enough) return edgeMs;
    }
    return Infinity;
  }

  /** The moment at which the label changes, found by halving. */
  #endOf(span: Parameters<typeof calendarLabel>[0]): number {
    const label = calendarLabel(span, this.#nowMs);
    let [inside, outside] = [this.#nowMs, this.#nowMs + 3_600_000];
    while (calendarLabel(span, outside) === label) outside += 86_400_000;
    while (outside - inside > 1) {
      const middle = Math.floor((inside + outside) / 2);
      if (calendarLabel(span, middle) === label) inside = middle;
      else outside = middle;
    }
    return outside;
  }
}

/** By reason first, then by who resets last, then by who is asked first. */
function worst(short: readonly Short[], order: readonly string[]): Short | null {
  const rank = (one: Short) => order.indexOf(one.code);
  const sorted = short.toSorted(
    (left, right) =>
      rank(left) - rank(right) ||
      (left.resetMs === right.resetMs ? 0 : right.resetMs - left.resetMs),
  );
  return sorted[0] ?? null;
}

const RATES_FIRST = ["rate_limited", "concurrency_limited", "limit_busy"];
const CLAIMS = [
  "rate_limited",
  "budget_exhausted",
  "request_exceeds_budget",
  "budget_busy",
  "limit_busy",
];

function isBusy({ code }: Short): boolean {
  return code.endsWith("_busy");
}

function periodOf({ span }: ModelMeter): number {
  return span?.kind === "calendar" ? PERIOD_MS[span.per] : 1;
}
/** What a client is told of any limit of an account. */
const AT_CAPACITY = "rate_limited";

function isOwn({ meter }: Short): boolean {
  return meter.scope.type !== "provider_key";
}

function refused({ code, meter }: Short): Verdict {
  // What waits in vain for a limit is told of a rate.
  return { fits: false, code: code === "limit_busy" ? "rate_limited" : code, meter: meter.id };
}
