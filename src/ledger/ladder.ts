/** The way from a request to a hold that fits: bytes, then clamps by degrees, then no. Pure. */
import { chooseMaxTokens, lastSteps } from "./clamp.ts";
import { budgetShortage, tightest, type Books, type Shortage } from "./decide.ts";
import type { Window } from "./state.ts";

export interface LadderRequest {
  readonly windows: readonly Window[];
  readonly books: Books;
  /** The client's `max_tokens`, or what is spliced in. */
  readonly asked: number;
  /** `max_tokens` may not go below it: the body's thinking budget. */
  readonly floor: number;
  readonly compaction: boolean;
  /** The hold for a given `max_tokens`, in nano-dollars. */
  readonly needFor: (maxTokens: number) => bigint;
}

/** What to hold, or which window is short even of the least. */
export type Rung =
  | { readonly fits: true; readonly maxTokens: number; readonly need: bigint }
  | { readonly fits: false; readonly shortage: Shortage };

/** Climbs until the attempt fits or nothing more can be tried. Changes no counter. */
export function climb(request: LadderRequest): Rung {
  const { windows, books, asked, needFor } = request;
  const least = tightest(windows, books);
  if (least === null) return { fits: true, maxTokens: asked, need: needFor(asked) };
  const chosen = chooseMaxTokens({ ...request, ...least });
  const first = attempt(chosen);
  if (first.fits || first.shortage.code === "budget_busy") return first;
  for (const step of lastSteps({ ...request, asked: chosen })) {
    const rung = attempt(step);
    // Busy at a smaller answer beats a refusal at a larger one.
    if (rung.fits || rung.shortage.code === "budget_busy") return rung;
  }
  return first;

  function attempt(maxTokens: number): Rung {
    const need = needFor(maxTokens);
    const shortage = budgetShortage(windows, need, books);
    return shortage === null ? { fits: true, maxTokens, need } : { fits: false, shortage };
  }
}
