/** Keeps one token: gets it once for all who wait, renews it early, and spares a server that fails. */
import type { Clock } from "../../core/time.ts";
import { temporaryFault } from "./fault.ts";
import type { AuthFault } from "./fault.ts";

/** What a source hands out. */
export interface Obtained<Value> {
  readonly ok: true;
  readonly value: Value;
  /** From now; null: for good. */
  readonly lifeMs: number | null;
  /** Where the source may hold something newer by then (a file); null: at 80 % of its life. */
  readonly recheckMs: number | null;
}

export interface Found<Value> {
  readonly ok: true;
  readonly value: Value;
}

/** A request that takes its token now has so long to arrive, or a tenth of a short life. */
const MARGIN_MS = 30_000;
/** Whatever a server promises. */
const LIFE_MAX_MS = 24 * 3_600_000;
const RENEW_AT = 0.8;
const FRESH_MS = 10_000;
const PAUSE_MIN_MS = 1_000;
const PAUSE_MAX_MS = 60_000;

interface Held<Value> {
  readonly found: Found<Value>;
  /** Both clocks at receipt: one stands still while a machine sleeps, the other may be set back. */
  readonly wallMs: number;
  readonly monotonicMs: number;
  readonly usableMs: number;
  readonly renewMs: number;
}

export class TokenCache<Value> {
  readonly #clock: Clock;
  readonly #obtain: () => Promise<Obtained<Value> | AuthFault>;
  #held: Held<Value> | null = null;
  #pending: Promise<Found<Value> | AuthFault> | null = null;
  #fault: AuthFault | null = null;
  #failures = 0;
  /** Monotonic; no attempt before it. */
  #pausedUntilMs = Number.NEGATIVE_INFINITY;

  /** @param obtain asks the source; one call at a time. What it throws counts as a temporary fault. */
  constructor(clock: Clock, obtain: () => Promise<Obtained<Value> | AuthFault>) {
    this.#clock = clock;
    this.#obtain = obtain;
  }

  /**
   * The token at once while it is valid; from 80 % of its life on with a renewal in the background.
   * Without one everybody waits for the same attempt. After a failed attempt its fault is the answer
   * until the pause is over: 1 s, doubled with every failure up to a minute.
   */
  get(): Found<Value> | AuthFault | Promise<Found<Value> | AuthFault> {
    const held = this.#held;
    const ageMs = held === null ? 0 : this.#ageOf(held);
    if (held !== null && ageMs < held.usableMs) {
      if (ageMs >= held.renewMs && !this.#isPaused()) void this.#renew();
      return held.found;
    }
    if (this.#pending !== null) return this.#pending;
    if (this.#fault !== null && this.#isPaused()) {
      const retryAfterMs = this.#pausedUntilMs - this.#clock.monotonicMs();
      return { ...this.#fault, retryAfterMs };
    }
    return this.#renew();
  }

  /**
   * Drops the token, because it was refused; not one that has only just come: that is no cure, and of
   * many requests refused at once each says so. The pause between attempts stays.
   */
  forget(): void {
    if (this.#held !== null && this.#ageOf(this.#held) >= FRESH_MS) this.#held = null;
  }

  #isPaused(): boolean {
    return this.#clock.monotonicMs() < this.#pausedUntilMs;
  }

  #ageOf(held: Held<Value>): number {
    const { wallMs, monotonicMs } = held;
    return Math.max(this.#clock.wallMs() - wallMs, this.#clock.monotonicMs() - monotonicMs);
  }

  #renew(): Promise<Found<Value> | AuthFault> {
    this.#pending ??= this.#attempt().finally(() => (this.#pending = null));
    return this.#pending;
  }

  async #attempt(): Promise<Found<Value> | AuthFault> {
    const obtained = await this.#obtain().catch((cause: unknown) =>
      temporaryFault(cause instanceof Error ? cause.message : String(cause)),
    );
    return obtained.ok ? this.#hold(obtained) : this.#fail(obtained);
  }

  #hold({ value, lifeMs, recheckMs }: Obtained<Value>): Found<Value> {
    const found = { ok: true, value } as const;
    const life = lifeMs === null ? Number.POSITIVE_INFINITY : Math.min(lifeMs, LIFE_MAX_MS);
    this.#held = {
      found,
      wallMs: this.#clock.wallMs(),
      monotonicMs: this.#clock.monotonicMs(),
      usableMs: life - Math.min(MARGIN_MS, life / 10),
      renewMs: Math.min(recheckMs ?? Number.POSITIVE_INFINITY, life * RENEW_AT),
    };
    this.#failures = 0;
    this.#fault = null;
    return found;
  }

  #fail(fault: AuthFault): AuthFault {
    const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 16);
    this.#pausedUntilMs = this.#clock.monotonicMs() + pauseMs;
    this.#fault = { ...fault, retryAfterMs: pauseMs };
    return this.#fault;
  }
}
