/** Lowers `max_tokens` by degrees when headroom runs short: late, rarely, and never below a floor. */

const LARGE_STEPS = [64_000, 32_000];
const LARGE_FLOOR = 32_000;
const MIDDLE = 16_000;
const FLOOR = 8_000;
/** No answer is clamped below this. */
export const LEAST_ANSWER_TOKENS = 2_000;
/** Only instead of a refusal. */
const LAST_STEPS = [4_000, LEAST_ANSWER_TOKENS];
const EARLY_FACTOR_QUARTERS = 16n;

export interface ClampRequest {
  /** What the client asked for, or what is spliced in where it asked for nothing. */
  readonly asked: number;
  /** What is left in the tightest window: nano-dollars, or tokens of output. */
  readonly headroom: bigint;
  /** Attempts in flight in that window. */
  readonly inFlight: number;
  /** Never below it: the thinking budget of the body. */
  readonly floor: number;
  readonly compaction: boolean;
  /** The hold for a given `max_tokens`, in the same unit. */
  readonly needFor: (maxTokens: number) => bigint;
}

/**
 * The `max_tokens` to ask the upstream for. It may still not fit: then it is the floor, and the caller
 * waits or refuses. Steps and factors: the product's ledger rules, found by simulation of real traffic.
 */
export function chooseMaxTokens(request: ClampRequest): number {
  const { asked, headroom, needFor } = request;
  const quarters = BigInt(4 + request.inFlight);
  const early = quarters > EARLY_FACTOR_QUARTERS ? quarters : EARLY_FACTOR_QUARTERS;
  for (const step of [asked, ...LARGE_STEPS]) {
    const maxTokens = limited(request, step);
    if (needFor(maxTokens) * early <= headroom * 4n) return maxTokens;
  }
  let chosen = limited(request, LARGE_FLOOR);
  if (needFor(chosen) * quarters > headroom * 4n) chosen = limited(request, MIDDLE);
  if (needFor(chosen) > headroom && !request.compaction) chosen = limited(request, FLOOR);
  return chosen;
}

/** Smaller answers that are tried only where everything else would be refused; largest first. */
export function lastSteps(request: Pick<ClampRequest, "asked" | "floor">): number[] {
  const steps = LAST_STEPS.map((step) => limited(request, step));
  return steps.filter((step, index) => step < request.asked && steps.indexOf(step) === index);
}

function limited(request: Pick<ClampRequest, "asked" | "floor">, step: number): number {
  return Math.min(request.asked, Math.max(step, request.floor));
}
