/** Brings a configuration into force: meters, opening balances, plans and keys, in one step. */
import type { Config } from "../config/config.ts";
import { formatTime } from "../core/time.ts";
import type { Ruling } from "../gateway/ports.ts";
import { keyEntries, KeyRing, type Hasher } from "../identity/key-ring.ts";
import { JournalUnavailable, type Journal } from "../journal/journal.ts";
import type { ConfigRecord, OpeningBalance } from "../journal/record.ts";
import { applyConfig } from "../ledger/fold.ts";
import { detachedMeter, type MeterChanges } from "../ledger/ledger.ts";
import { meterId } from "../ledger/meter.ts";
import type { Meter } from "../ledger/state.ts";
import { compilePolicy, meterDefinitions } from "../policy/plan.ts";
import { compileLeverRules } from "../routing/rules/lever-rules.ts";
import { compileRouting, type RuleFailure } from "../routing/rules/routing.ts";
import { createPriceBook } from "../pricing/price-book.ts";
import { adoptions, lateBalances, openingBalances, type SpendingHistory } from "./openings.ts";
import type { NodeState } from "./state.ts";

const WRITTEN_POLL_MS = 2;

export interface ConfigureOptions {
  readonly config: Config;
  /** Digest of the configuration without its secrets. */
  readonly digest: string;
  readonly state: NodeState;
  readonly journal: Journal;
  readonly history: SpendingHistory;
  readonly hasher: Hasher;
  readonly nowMs: () => number;
  /** Told where a rule's expression fails on a request. */
  readonly ruleFailed?: (failure: RuleFailure) => void;
}

/**
 * Makes `config` the one in force and returns the ruling to follow. What added budgets start with is
 * looked up first; then meters, balances and the `config` record change in one turn of the event loop.
 */
export async function configure(options: ConfigureOptions): Promise<Ruling> {
  const { config, state } = options;
  const added = meterDefinitions(config)
    .map(meterId)
    .filter((id) => state.fold.ledger.meter(id) === undefined)
    .map(detachedMeter);
  const openings = await findOpenings(added, options);
  bringIntoForce(openings, options);
  return rulingOf(options);
}

/** What is settled while the views are asked is watched beside them: between both nothing is missed. */
async function findOpenings(
  added: readonly Meter[],
  options: ConfigureOptions,
): Promise<OpeningBalance[]> {
  const { journal, state, history, nowMs } = options;
  const uptoSeq = journal.appendedSeq();
  const money = added.filter((meter) => meter.unit === "usd");
  if (money.length === 0 || uptoSeq === 0 || state.fold.digest === null) return [];
  const late: OpeningBalance[] = [];
  const stop = state.fold.ledger.onSettled((hold, cost) => {
    late.push(...lateBalances(money, hold, cost));
  });
  try {
    await written(journal, uptoSeq);
    const early = await openingBalances(money, history, { nowMs: nowMs(), uptoSeq });
    return early.concat(late);
  } finally {
    stop();
  }
}

/** The views read the files: what is only queued yet they cannot know of. */
async function written(journal: Journal, seq: number): Promise<void> {
  while (journal.writtenSeq() < seq) {
    const reason = journal.unavailable();
    if (reason !== null) throw new JournalUnavailable(reason);
    await new Promise((resolve) => {
      setTimeout(resolve, WRITTEN_POLL_MS);
    });
  }
}

function bringIntoForce(openings: readonly OpeningBalance[], options: ConfigureOptions): void {
  const { config, digest, state, journal, nowMs } = options;
  const { ledger } = state.fold;
  const atMs = nowMs();
  const time = formatTime(atMs);
  const definitions = meterDefinitions(config);
  const changes = ledger.configure(definitions, atMs);
  const adopted = adoptions(changes.added, ledger, atMs);
  const record: ConfigRecord = {
    time,
    type: "config",
    digest,
    mode: config.mode,
    meters_added: changes.added.map((meter) => meter.id),
    meters_removed: changes.removed,
    ...(changes.caps.size === 0
      ? {}
      : { caps: Object.fromEntries([...changes.caps].map(([id, cap]) => [id, String(cap)])) }),
    opened: openings,
    adopted: Object.fromEntries(
      [...adopted].map(([hold, windows]) => [hold.id, windows.map((window) => window.key)]),
    ),
    // Nothing is named where all of it begins, or ends: the mode says so.
    ...(config.mode === "observe" || definitions.every(({ shadow }) => shadow === undefined)
      ? {}
      : shadowChanges(changes)),
  };
  const { shadowStarted, shadowEnded } = changes;
  const shadowed = config.mode === "observe" ? 0 : shadowStarted.length + shadowEnded.length;
  const unchanged =
    changes.added.length + changes.removed.length + changes.caps.size + shadowed === 0;
  if (!unchanged || digest !== state.fold.digest || config.mode !== state.fold.mode) {
    applyConfig(state.fold, record, atMs);
    journal.outcome(record);
  }
  for (const { window, from, to } of changes.lowered)
    journal.outcome({
      time,
      type: "cap_lowered",
      window: window.key,
      from: String(from),
      to: String(to),
      settled: String(window.settled),
      held: String(window.held),
    });
}

function shadowChanges({
  shadowStarted,
  shadowEnded,
}: MeterChanges): Pick<ConfigRecord, "shadow_started" | "shadow_ended"> {
  if (shadowStarted.length + shadowEnded.length === 0) return {};
  return { shadow_started: shadowStarted, shadow_ended: shadowEnded };
}

function rulingOf({ config, state, hasher, ruleFailed }: ConfigureOptions): Ruling {
  const policy = compilePolicy(config, state.fold.ledger);
  return {
    policy,
    prices: createPriceBook(config.prices),
    routing: {
      ...compileRouting(config, ruleFailed),
      hasRules: config.routing.rules.length > 0,
      onUnsupported: config.routing.onUnsupported,
    },
    leverRules: compileLeverRules(config, ruleFailed),
    keys: new KeyRing(
      hasher,
      config.virtualKeys.flatMap((key) =>
        keyEntries({
          id: key.id,
          fileHash: key.secret === null ? null : hasher.hash(key.secret),
          changes: state.identities.changesOf(key.id),
        }),
      ),
    ),
  };
}
