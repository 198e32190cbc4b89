/** How many requests a key is given at once after its provider refused some: it comes back by degrees. */

/** After a refusal it goes on from this share of what it had, and returns to that share of it quickly. */
const BACK_TO = 0.5;
const SAFE = 0.9;
/** From there on one more in so long: each refusal costs the key a pause. */
const STEP_MS = 30_000;
/** When it has not been refused, nor been short, for so long, the bound is lifted. */
const LIFTED_AFTER_MS = 60_000;

export class Regain {
  #limit = 1;
  /** Until here each success adds one: that many have gone well at once. */
  #safe = Number.POSITIVE_INFINITY;
  #inFlight = 0;
  #refusedMs: number;
  #steppedMs: number;
  #shortMs: number;

  /** Made at the first refusal: how many had gone well at once is not known. */
  constructor(nowMs: number) {
    this.#refusedMs = nowMs;
    this.#steppedMs = nowMs;
    this.#shortMs = nowMs;
  }

  /** Whether one more may be under way. */
  get hasRoom(): boolean {
    return this.#inFlight + 1 <= this.#limit;
  }

  isOver(nowMs: number): boolean {
    return nowMs - Math.max(this.#refusedMs, this.#shortMs) > LIFTED_AFTER_MS;
  }

  begin(nowMs: number): void {
    this.#inFlight++;
    if (!this.hasRoom) this.#shortMs = nowMs;
  }

  end(): void {
    this.#inFlight--;
  }

  /** An attempt went well: one more, where most of those there were are in use. */
  succeeded(nowMs: number): void {
    if (this.#inFlight * 2 < this.#limit) return;
    if (this.#limit + 1 <= this.#safe) this.#limit++;
    else if (nowMs - this.#steppedMs >= STEP_MS) {
      this.#limit++;
      this.#steppedMs = nowMs;
    }
  }

  /** An attempt that began at `beganMs` was refused: fewer. Those under way together are one refusal. */
  refused(beganMs: number, nowMs: number): void {
    if (beganMs <= this.#refusedMs) return;
    this.#safe = Math.max(1, this.#limit * SAFE);
    this.#limit = Math.max(1, Math.floor(this.#limit * BACK_TO));
    this.#refusedMs = nowMs;
    this.#steppedMs = nowMs;
  }
}
