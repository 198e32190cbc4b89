/** What the gateway needs from the rest of the product; filled by the composition root. */
import type { TimeoutsConfig } from "../config/config.ts";
import type { Clock } from "../core/time.ts";
import type { KeyRing } from "../identity/key-ring.ts";
import type { Journal } from "../journal/journal.ts";
import type { Outcome, RepeatMark, TaskType } from "../journal/record.ts";
import type { LedgerClock } from "../ledger/clock.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { TurnMemory } from "../ledger/memory.ts";
import type { FairWaiting } from "./fair-waiting.ts";
import type { WaitingRoom } from "./waiting.ts";
import type { SessionTtls } from "../policy/levers/session-ttls.ts";
import type { Policy } from "../policy/plan.ts";
import type { SessionBook } from "../policy/sessions/book.ts";
import type { Sessions } from "../policy/sessions.ts";
import type { PriceBook } from "../pricing/price-book.ts";
import type { AuthFault, Identified } from "../providers/auth/authenticator.ts";
import type { UpstreamClient, UpstreamRequest } from "../providers/upstream.ts";
import type { RetryBudget } from "../routing/attempts/budget.ts";
import type { Health } from "../routing/health/health.ts";
import type { LeverRules } from "../routing/rules/lever-rules.ts";
import type { Routing as CompiledRouting } from "../routing/rules/routing.ts";
import type { Target } from "./candidates.ts";
import type { Seats } from "../routing/stickiness/seats.ts";
import type { Runaways } from "./runaway.ts";
import type { SessionLog } from "./session-log.ts";
import type { Usage } from "../core/usage.ts";
import type { RefusalCode } from "../core/refusal.ts";

/** What is in force now; replaced as a whole by a reload. A request keeps the one it began with. */
export interface Ruling {
  readonly policy: Policy;
  readonly keys: KeyRing;
  readonly prices: PriceBook;
  readonly routing: CompiledRouting & {
    readonly hasRules: boolean;
    /** Of requests that no rule takes. */
    readonly onUnsupported: "refuse" | "drop";
  };
  readonly leverRules: LeverRules;
}

/** One finished request, as metrics count it. Labels are bounded: ids come from the configuration. */
export interface Finished {
  readonly customer: string | null;
  readonly team: string | null;
  readonly virtualKey: string | null;
  readonly provider: string | null;
  readonly model: string | null;
  readonly taskType: TaskType;
  readonly outcome: Outcome;
  readonly code: RefusalCode | null;
  readonly costNano: bigint;
  readonly usage: Usage;
  readonly overheadSeconds: number;
  readonly firstByteSeconds: number | null;
  readonly requestSeconds: number;
}

export interface Metrics {
  /** A request is in flight until `requestLeaves`. */
  readonly requestBegins: () => void;
  readonly requestLeaves: () => void;
  readonly requestEnds: (finished: Finished) => void;
  /** `result`: "ok", a status class ("4xx"), or a fault's name. */
  readonly attemptEnds: (provider: string, result: string) => void;
  readonly holdOverrun: (provider: string) => void;
  /** A request has waited for room at a provider. */
  readonly queueWaitEnds: (seconds: number) => void;
  readonly runawayFound: (detector: string, action: string) => void;
}

export interface Log {
  readonly info: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  readonly warn: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  readonly error: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

/** A session that is to be stopped, paused or resumed. */
export interface SessionOrder {
  readonly virtualKey: string;
  /** The name under which its requests are counted; it need not have been seen. */
  readonly session: string;
  /** One sentence for the developer; null: none is given. */
  readonly reason: string | null;
  /** Who asks: "local", "token", "browser", or a detector's name. */
  readonly actor: string;
  readonly idempotency?: RepeatMark;
}

/**
 * Each resolves once the change is in the journal and in force for the next attempt; it lasts over
 * restarts. Answers that run end as they would.
 *
 * @throws JournalUnavailable where it cannot be recorded; nothing is changed then.
 */
export interface SessionControl {
  readonly stop: (order: SessionOrder) => Promise<void>;
  readonly pause: (order: SessionOrder) => Promise<void>;
  readonly resume: (order: SessionOrder) => Promise<void>;
}

export interface Gateway {
  readonly ruling: () => Ruling;
  readonly ledger: Ledger;
  readonly ledgerClock: LedgerClock;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly sessions: Sessions;
  /** What every session has asked for and spent, and which are stopped. */
  readonly sessionBook: SessionBook;
  readonly sessionControl: SessionControl;
  /** Which sessions run away. */
  readonly runaways: Runaways;
  /** Since when sessions are known, for rules that ask. */
  readonly sessionLog: SessionLog;
  /** With which life of its prompt cache each session began. */
  readonly sessionTtls: SessionTtls;
  /** At which door each session sits. */
  readonly seats: Seats;
  /** Lets through so many a second. */
  readonly anonymousRecords: { readonly allow: () => boolean };
  /** The same for lines of the log that anybody can cause. */
  readonly anonymousLines: { readonly allow: () => boolean };
  /** Addresses and networks whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: () => readonly string[];
  /** True the first time that it is asked about a topic: for warnings that need no repetition. */
  readonly isFirst: (topic: string) => boolean;
  /** The client that reaches providers of this kind. */
  readonly upstream: (kind: string) => UpstreamClient;
  /** Headers that show the target's credential. */
  readonly authenticate: (
    target: Target,
    request: UpstreamRequest,
  ) => Identified | AuthFault | Promise<Identified | AuthFault>;
  /** The provider has refused it: what can be renewed is. */
  readonly forgetCredential: (target: Target) => void;
  readonly providerHealth: ProviderHealth;
  /** Which provider keys can be asked now. */
  readonly health: Health;
  /** Bounds retries and fail-overs together. */
  readonly retries: RetryBudget;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** What sessions near a cap have shown of their input. */
  readonly turns: TurnMemory;
  readonly waiting: WaitingRoom;
  /** Where requests wait for room at providers. */
  readonly fair: FairWaiting;
  /** How long a request waits for others' holds. */
  readonly budgetWaitMs: () => number;
  readonly maxBodyBytes: () => number;
  readonly timeouts: () => TimeoutsConfig;
  readonly draining: () => boolean;
  /** The drain is over: answers that still run are ended now. */
  readonly cutOff: () => boolean;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** What is known of a provider's credentials; shown by health and `tollgate doctor`. */
export interface ProviderHealth {
  /** No credential could be made for a key: `sentence` says why. */
  readonly unidentified: (provider: string, key: string, sentence: string) => void;
  readonly identified: (provider: string, key: string) => void;
  /** The provider billed more input than its own count can have told: counts of it bound nothing. */
  readonly inputBeyondCount: (provider: string) => void;
  readonly countsBound: (provider: string) => boolean;
  /** Sentences about keys that their provider refuses now. */
  readonly troubles: () => readonly string[];
}
