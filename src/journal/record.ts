/** The lines of the journal: one closed union, the only source of truth of the product. */
import type { RequestId } from "../core/ids.ts";
import type { RefusalCode } from "../core/refusal.ts";
import type { TaskType } from "../core/task-type.ts";
import type { Usage } from "../core/usage.ts";

/** Integer nano-dollars as a decimal string: JSON numbers stop being exact at 2^53. */
export type NanoText = string;

export type { TaskType };

export type Outcome = "ok" | "refused" | "upstream_error" | "client_closed" | "interrupted";
export type PriceSource = "listed" | "assumed" | "override" | "rehearsal";

/** Who asked, as rows show it. All null only where no key was recognised. */
export interface Attribution {
  readonly customer: string | null;
  readonly team: string | null;
  readonly owner: string | null;
  readonly virtual_key: string | null;
  /** Of customer, team, owner and key; the inner one wins. Left out where there are none. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The client's own values, never trusted. */
  readonly session: string | null;
  readonly agent: string | null;
  readonly parent_agent: string | null;
  readonly task_type: TaskType;
  readonly dialect: string;
  readonly requested_model: string | null;
}

/** What a lever made of a request. */
export interface LeverChange {
  /** The lever's name in the file: "max_tokens". */
  readonly lever: string;
  /** As asked for, the client's own word; null: nothing was. */
  readonly from: string | number | null;
  /** Null: it was taken out. */
  readonly to: string | number | null;
  /** Whose lever it is: "gateway", "team/platform", "rule/nights". */
  readonly by: string;
  /** Observe mode only: it would have been so; nothing was changed. */
  readonly observed?: true;
}

/** What a scope in shadow would have done besides refusing and clamping. */
export interface ShadowChange {
  readonly what: "rerouted" | "changed" | "slowed";
  /** The scope whose rule it is: "team/platform". */
  readonly by: string;
}

/** An attempt is about to go upstream: its hold is in force from this line on. */
export interface AdmitRecord extends Attribution {
  readonly type: "admit";
  readonly time: string;
  readonly request: RequestId;
  /** From 1. */
  readonly attempt: number;
  readonly provider: string;
  readonly provider_key: string;
  readonly model: string;
  readonly price: PriceSource;
  readonly max_tokens: number | null;
  readonly clamped_max_tokens: number | null;
  readonly waited_ms: number;
  /** The hold: `input` + `output_tokens` × `output_pico`, rounded up. */
  readonly need: NanoText;
  readonly input_need: NanoText;
  readonly output_tokens: number;
  /** Pico-dollars for one token of output, as a decimal string. */
  readonly output_pico: string;
  /** Keys of the money windows that it spends from, outermost first. */
  readonly windows: readonly string[];
  /** Keys of the limit windows that it counts in. */
  readonly limits: readonly string[];
  /** Observe mode only: what enforcement would have answered. */
  readonly refusal?: RefusalCode;
  /** The scope whose rule or cap that refusal is of: "team/platform". */
  readonly refusal_by?: string;
  /** Observe mode only: what enforcement would have held; missing where it would have refused. */
  readonly shadow_need?: NanoText;
  /** What it holds of token limits; left out where its chain has none. */
  readonly token_need?: { readonly input: number; readonly output: number };
  /** Observe mode only: the same as enforcement would have held it, where that is less. */
  readonly shadow_token_need?: { readonly input: number; readonly output: number };
  /** Observe mode only: to what enforcement would have lowered `max_tokens`, and because of which scope. */
  readonly shadow_max_tokens?: number;
  readonly shadow_clamped_by?: string;
  /** Observe mode only: what else enforcement would have done to the request; left out: nothing. */
  readonly shadow_changes?: readonly ShadowChange[];
  /** Server tools with more `max_uses` were lowered to this. */
  readonly clamped_max_uses?: number;
  /** `last_request` where a budget with that overshoot let it over the cap. */
  readonly overshoot?: "last_request";
  /** The provider's door that it goes through. */
  readonly door?: string;
  /** Whether the task type is the client's own word or the gateway's guess. */
  readonly task_source?: "hint" | "heuristic";
  /** Id of the routing rule that chose the target; left out: none did. */
  readonly rule?: string;
  /** What is worth knowing of the choice: why a session left its door, and what that costs. */
  readonly route_note?: string;
  /** The session that it counts to, where that is another than `session` names. */
  readonly counted_session?: string;
  /** How long a finding on its session has delayed it; left out: not at all. */
  readonly slowed_ms?: number;
  /** A digest of how its conversation begins; on the first attempt of an agent that shows it. */
  readonly conversation?: string;
  /** What levers made of the request before it was routed; left out: nothing. */
  readonly levers?: readonly LeverChange[];
}

/** A hold lowered while its attempt runs. */
export interface ReleaseRecord {
  readonly type: "release";
  readonly time: string;
  readonly request: RequestId;
  readonly attempt: number;
  readonly need: NanoText;
  /** Left out: what it holds of token limits stays. */
  readonly token_need?: { readonly input: number; readonly output: number };
  /** Observe mode only: the same of what enforcement would hold; left out: as `token_need`. */
  readonly shadow_token_need?: { readonly input: number; readonly output: number };
  /** Observe mode only: what enforcement would hold from here on; left out: the same. */
  readonly shadow_need?: NanoText;
}

/** What the client saw at the end of a request; on the record that ends it. */
export interface Ending {
  readonly outcome: Outcome;
  /** The status sent to the client; null where the connection was gone. */
  readonly status: number | null;
  readonly latency_ms: number;
  /** Arrival to the first byte of the answer's body; null where there was none. */
  readonly first_byte_ms: number | null;
  /** Time inside the gateway, waits for upstream and client excluded. */
  readonly overhead_us: number;
}

/** The attempt's hold is replaced by its cost. */
export interface SettleRecord {
  readonly type: "settle";
  readonly time: string;
  readonly request: RequestId;
  readonly attempt: number;
  readonly cost: NanoText;
  readonly usage: Usage;
  readonly estimated: boolean;
  /** Upstream's status; null where no head arrived. */
  readonly upstream_status: number | null;
  readonly upstream_request_id: string | null;
  /** Why it went wrong, in one word of ours ("reset", "idle_timeout"); null where it did not. */
  readonly fault: string | null;
  /** Fields of the request that the door could not carry; left out: none. */
  readonly dropped?: readonly string[];
  /** Observe mode only: what the shorter answer would have cost that enforcement had left room for. */
  readonly shadow?: { readonly cost: NanoText; readonly output_tokens: number };
  /** Null where the request goes on with another attempt or ends in a refusal. */
  readonly end: Ending | null;
}

/** The attempt never reached its upstream: the hold is given back whole. */
export interface CancelRecord {
  readonly type: "cancel";
  readonly time: string;
  readonly request: RequestId;
  readonly attempt: number;
  readonly reason: string;
}

/** A request was answered by Tollgate itself. */
export interface RefuseRecord extends Attribution {
  readonly type: "refuse";
  readonly time: string;
  readonly request: RequestId;
  readonly code: RefusalCode;
  readonly message: string;
  /** The scope whose rule or cap said no: "team/platform"; left out where none did. */
  readonly by?: string;
  readonly max_tokens: number | null;
  readonly waited_ms: number;
  /** Attempts that were made before. */
  readonly attempts: number;
  readonly end: Ending;
}

/** By what a repeat of a call is known: of a change that was asked for with an `Idempotency-Key`. */
export interface RepeatMark {
  /** Hex SHA-256 of method, path and key. */
  readonly key: string;
  /** Hex SHA-256 of the body. */
  readonly request: string;
  /** Where one call made several changes: which of how many this is, from 1. */
  readonly part?: { readonly number: number; readonly of: number };
}

/** A charge is replaced by a stated one. */
export interface CorrectionRecord {
  readonly type: "correction";
  readonly time: string;
  readonly request: RequestId;
  readonly attempt: number;
  readonly cost: NanoText;
  /** New cost − old cost, applied to every window below. */
  readonly delta: NanoText;
  /** The same in the shadow's books: 0 where enforcement would have refused the attempt; left out: `delta`. */
  readonly shadow_delta?: NanoText;
  /** When the attempt was admitted: the difference belongs to that moment, as the charge did. */
  readonly admitted: string;
  readonly windows: readonly string[];
  readonly reason: string;
  readonly actor: string;
  readonly idempotency?: RepeatMark;
  /** Whose conversation it was, as far as a key and a session are known. */
  readonly spender?: {
    readonly virtual_key: string;
    readonly session: string;
    readonly agent: string | null;
  };
}

/** A charge was above its hold: the bound was wrong for that door. Information; `settle` books it. */
export interface OverrunRecord {
  readonly type: "overrun";
  readonly time: string;
  readonly request: RequestId;
  readonly attempt: number;
  readonly held: NanoText;
  readonly cost: NanoText;
}

/** A new cap is below what its window has settled and holds. Information. */
export interface CapLoweredRecord {
  readonly type: "cap_lowered";
  readonly time: string;
  readonly window: string;
  readonly from: NanoText;
  readonly to: NanoText;
  readonly settled: NanoText;
  readonly held: NanoText;
}

/** Something may be missing before this line, and why. */
export interface GapRecord {
  readonly type: "gap";
  readonly time: string;
  readonly reason: "torn_line" | "power_loss" | "clock" | "disk_full" | "file_lost";
  readonly detail: string;
}

/** What can be done to a session; its `admin_change` has `after` with its key, id, state and reason. */
export type SessionAction = "stop" | "pause" | "resume";

/** An entity was changed through API or CLI. `after` holds all that is needed to rebuild it. */
export interface AdminChangeRecord {
  readonly type: "admin_change";
  readonly time: string;
  readonly actor: string;
  readonly action: "create" | "update" | "delete" | "rotate" | "revoke" | SessionAction;
  readonly entity: string;
  readonly id: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly idempotency?: RepeatMark;
}

/** Part of what an added budget's window starts with; several where the window has buckets. */
export interface OpeningBalance {
  readonly window: string;
  readonly amount: NanoText;
  /** The moment that it belongs to. */
  readonly at: string;
}

/** A configuration came into force; the delta of the meters against the one before. */
export interface ConfigRecord {
  readonly type: "config";
  readonly time: string;
  readonly digest: string;
  readonly mode: "enforce" | "observe";
  /** Ids of meters: budgets and rate limits alike. */
  readonly meters_added: readonly string[];
  readonly meters_removed: readonly string[];
  /** New caps by meter id, in the meter's unit; left out where none changed. */
  readonly caps?: Readonly<Record<string, string>>;
  /** What windows of added budgets start from: what their scope has spent in them already. */
  readonly opened: readonly OpeningBalance[];
  /** Open attempts ("request/attempt") that entered such windows. */
  readonly adopted: Readonly<Record<string, readonly string[]>>;
  /**
   * Ids of meters whose shadow counts apart from here on, and of those whose no longer does; left out: none,
   * or all where `mode` changes.
   */
  readonly shadow_started?: readonly string[];
  readonly shadow_ended?: readonly string[];
}

/** A session's windows were closed after 30 idle days. */
export interface SessionClosedRecord {
  readonly type: "session_closed";
  readonly time: string;
  readonly windows: readonly string[];
}

/** A session was found to run away. Information: a stop is an `admin_change` of its own. */
export interface FindingRecord {
  readonly type: "finding";
  readonly time: string;
  /** The request at which it was found. */
  readonly request: RequestId;
  readonly customer: string;
  readonly team: string;
  readonly owner: string | null;
  readonly virtual_key: string;
  /** The session that the request counts to. */
  readonly session: string;
  readonly agent: string | null;
  readonly detector: string;
  /** What followed. */
  readonly action: "observe" | "warn" | "slow" | "stop";
  /** Observe mode only: what enforcement would have done. */
  readonly would?: FindingRecord["action"];
  readonly sentence: string;
  readonly evidence: Readonly<Record<string, number | string>>;
}

/** Retention removed all lines before `first_kept_seq`, whose own `prev` is `first_kept_prev`. */
export interface RetiredRecord {
  readonly type: "retired";
  readonly time: string;
  readonly first_kept_seq: number;
  readonly first_kept_prev: string;
}

export type JournalRecord =
  | AdmitRecord
  | ReleaseRecord
  | SettleRecord
  | CancelRecord
  | RefuseRecord
  | CorrectionRecord
  | OverrunRecord
  | CapLoweredRecord
  | GapRecord
  | AdminChangeRecord
  | ConfigRecord
  | SessionClosedRecord
  | FindingRecord
  | RetiredRecord;

/** A record as it stands in the file: numbered and chained. */
export type WrittenRecord = JournalRecord & { readonly seq: number; readonly prev: string };
