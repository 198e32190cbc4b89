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

export interface PassageRequest {
  readonly startMs: number;
  /** No call starts from then on. */
  readonly endMs: number;
  /** Null: nothing stops anybody. */
  readonly budget: MeterDefinition | null;
  readonly judge: Judge;
  readonly afterExcess: ClientParts["afterExcess"];
}

const BOOK = createPriceBook([]);

/** Lets sessions pass, all at once or group by group, and keeps their tally. */
export class Passage {
  readonly tally = new Tally();
  readonly #ledger = new Ledger();
  readonly #loop: EventLoop;
  readonly #client: ClientParts;
  readonly #cap: bigint | null;

  constructor(request: PassageRequest) {
    const { startMs, endMs, budget, judge, afterExcess } = request;
    this.#cap = budget?.cap ?? null;
    this.#loop = new EventLoop(startMs);
    if (budget !== null) this.#ledger.configure([budget], startMs);
    const gate = new Gate({
      loop: this.#loop,
      ledger: this.#ledger,
      meters: [...this.#ledger.meters()],
      book: BOOK,
      ruler: judge === "oracle" ? oracleRuler(BOOK) : ladderRuler(BOOK),
      // The oracle has no use for memory and count; it waits, and it sees the cache as answers start.
      rungs: judge === "oracle" ? ALL_RUNGS : judge,
      witness: this.tally,
    });
    this.#client = { loop: this.#loop, gate, endMs, afterExcess };
  }

  /** Starts sessions, each at its time. */
  start(sessions: readonly SessionScript[]): void {
    for (const script of sessions) {
      const session = new Session(script, this.#client);
      this.#loop.at(script.startMs, () => this.#loop.start(session.run()));
    }
  }

  /** Lets time pass until a moment; without one until everybody has ended. */
  run(untilMs?: number): Tally {
    this.#loop.run(untilMs);
    if (untilMs === undefined) this.#checkBooks();
    return this.tally;
  }

  /** When all is over the ledger holds nothing and has settled what the provider has billed. */
  #checkBooks(): void {
    let settled = 0n;
    for (const window of this.#ledger.windows()) {
      if (window.held !== 0n || window.inFlight !== 0) throw new Error("something is still held");
      settled += window.settled;
    }
    if (this.#cap !== null && settled > this.tally.cost) throw new Error("settled more than billed");
  }
}
