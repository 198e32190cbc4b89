/** One passage of sessions through a gate of their own: a day, a session, or a team's month. */
import { Ledger } from "../../src/ledger/ledger.ts";
import type { MeterDefinition } from "../../src/ledger/state.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import { Session, type ClientParts } from "./client.ts";
import { EventLoop } from "./events.ts";
import { ALL_RUNGS, Gate, type Rungs } from "./gate.ts";
import { ladderRuler, oracleRuler } from "./ruler.ts";
import type { SessionScript } from "./script.ts";
import { Tally } from "./tally.ts";

/** Who decides: the product's ladder with these rungs, or the oracle. */
export type Judge = Rungs | "oracle";

/** Sessions that share a budget. */
export interface Stretch {
  readonly startMs: number;
  /** No call starts from then on. */
  readonly endMs: number;
  /** Null: nothing stops anybody. */
  readonly budget: MeterDefinition | null;
  readonly afterExcess: ClientParts["afterExcess"];
  /** Drawn day by day; the first day on whose end the budget is exhausted is the last. */
  readonly days: () => Iterable<Day>;
}

export interface Day {
  readonly sessions: readonly SessionScript[];
  readonly endMs: number;
}

const BOOK = createPriceBook([]);

/**
 * Lets the sessions of a stretch pass.
 *
 * @throws Error where a cap was overshot, a bound was too small, or the books do not agree with the bill.
 */
export function pass(stretch: Stretch, judge: Judge): Tally {
  const { startMs, endMs, budget, afterExcess } = stretch;
  const ledger = new Ledger();
  if (budget !== null) ledger.configure([budget], startMs);
  const loop = new EventLoop(startMs);
  const tally = new Tally();
  const gate = new Gate({
    loop,
    ledger,
    meters: [...ledger.meters()],
    book: BOOK,
    ruler: judge === "oracle" ? oracleRuler(BOOK) : ladderRuler(BOOK),
    // The oracle has no use for memory and count; it waits, and it sees the cache as answers start.
    rungs: judge === "oracle" ? ALL_RUNGS : judge,
    witness: tally,
  });
  for (const day of stretch.days()) {
    for (const script of day.sessions) {
      const session = new Session(script, { loop, gate, endMs, afterExcess });
      loop.at(script.startMs, () => loop.start(session.run()));
    }
    loop.run(day.endMs);
    if (tally.refused.budget_exhausted > 0) break;
  }
  checkBooks(ledger, tally, budget);
  return tally;
}

/** What the windows have settled is what the provider has billed, to the nano-dollar. */
function checkBooks(ledger: Ledger, tally: Tally, budget: MeterDefinition | null): void {
  const holds = [...ledger.holds()];
  const held = holds.reduce((total, { need }) => total + need, 0n);
  const heldInWindows = [...ledger.windows()].reduce((total, window) => total + window.held, 0n);
  if (budget !== null && held !== heldInWindows) throw new Error("windows hold what no hold says");
  const settled = [...tally.settled.values()].reduce((total, amount) => total + amount, 0n);
  if (budget !== null && settled !== tally.cost) throw new Error("settled is not what was billed");
}
