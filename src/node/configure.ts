/** Brings a configuration into force: meters, opening balances, plans and keys, in one step. */
import type { Config } from "../config/config.ts";
import { formatTime } from "../core/time.ts";
import type { Ruling } from "../gateway/ports.ts";
import { keyEntries, KeyRing, type Hasher } from "../identity/key-ring.ts";
import type { Journal } from "../journal/journal.ts";
import type { ConfigRecord, OpeningBalance } from "../journal/record.ts";
import { meterId, parseMeterId } from "../ledger/meter.ts";
import type { Meter } from "../ledger/state.ts";
import { compilePolicy, meterDefinitions } from "../policy/plan.ts";
import { createPriceBook } from "../pricing/price-book.ts";
import { adoptions, openingBalances, type SpendingHistory } from "./openings.ts";
import type { NodeState } from "./state.ts";

export interface ConfigureOptions {
  readonly config: Config;
  /** Digest of the configuration without its secrets. */
  readonly digest: string;
  readonly state: NodeState;
  readonly journal: Journal;
  readonly history: SpendingHistory;
  readonly hasher: Hasher;
  readonly nowMs: () => number;
}

/**
 * Makes `config` the one in force and returns the ruling to follow. What added budgets start with is
 * looked up first; then meters, balances and the `config` record change in one turn of the event loop.
 */
export async function configure(options: ConfigureOptions): Promise<Ruling> {
  const { config, state, journal } = options;
  const { ledger } = state.fold;
  const definitions = meterDefinitions(config);
  const added = definitions.map(meterId).filter((id) => ledger.meter(id) === undefined);
  // Holds settle while the views are asked: asking again until nothing was written in between would
  // starve under load, so charges after this line are watched instead.
  const uptoSeq = journal.writtenSeq();
  const late = state.fold.watch(added.map(detached));
  let openings: OpeningBalance[];
  try {
    openings =
      uptoSeq === 0
        ? []
        : await openingBalances(added.map(detached), options.history, {
            nowMs: options.nowMs(),
            uptoSeq,
          });
  } finally {
    late.stop();
  }
  return bringIntoForce(options, openings.concat(late.openings()));
}
