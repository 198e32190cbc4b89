/** What the control API needs from the rest of the product; filled by the composition root. */
import type { Config, VirtualKeyConfig } from "../config/config.ts";
import type { NanoUsd } from "../core/money.ts";
import type { Scope } from "../core/span.ts";
import type { Clock } from "../core/time.ts";
import type { EntityKind } from "../identity/made.ts";
import type { DoneCall } from "../identity/repeats.ts";
import type { Position } from "../journal/position.ts";
import type { FindingRecord, RepeatMark, SessionAction, TaskType } from "../journal/record.ts";
import type { PriceExplanation } from "../pricing/price-book.ts";
import type { TollgateLog } from "../telemetry/log.ts";
import type { Views } from "../views/views.ts";
import type { WhyQuestion, WhyReport } from "./why-report.ts";

/** One open window of a budget. Amounts in nano-dollars, times in Unix milliseconds. */
export interface BudgetView {
  /** The window's key: it stays the same for as long as the window does. */
  readonly id: string;
  /** For a session's window `{type: "session", id: the session}`. */
  readonly scope: Scope;
  /** The scope that carries the budget, where that is another one: a session's. */
  readonly parent: Scope | null;
  /** Whose session it is; null for all other windows. */
  readonly virtualKey: string | null;
  /** As the file writes it: "month", "5h", "session". */
  readonly per: string;
  /** IANA zone of a calendar window; null for all others. */
  readonly timeZone: string | null;
  readonly overshoot: "none" | "last_request";
  readonly startMs: number | null;
  readonly endMs: number | null;
  readonly limit: bigint;
  readonly settled: bigint;
  readonly held: bigint;
}

/** A virtual key as the API shows it: never a secret, never a hash. */
export interface KeyView {
  readonly key: Omit<VirtualKeyConfig, "secret">;
  /** `file`: only revoking and rotating are possible. */
  readonly source: "file" | "api";
  readonly revokedMs: number | null;
  /** How many secrets open it now: 0 for a key that was given none yet, 2 within a rotation's overlap. */
  readonly secrets: number;
}

/** Why a change was not made. `field` is a path in the entity ("budgets[0].usd"). */
export interface ChangeProblem {
  readonly status: 400 | 404 | 409;
  /** One sentence: what is wrong, the value (never a secret) and the remedy. */
  readonly message: string;
  readonly field?: string;
}

/** Who asks for a change ("local", "token", "browser"), and by what a repeat of the call is known. */
export interface Asker {
  readonly actor: string;
  readonly idempotency?: RepeatMark;
}

/** Calls that have made their changes, told from the journal. */
export interface DoneCalls {
  /** `key`: digest of method, path and `Idempotency-Key`. Null: none within 24 hours. */
  readonly find: (key: string) => DoneCall | null;
}

/** Problems of entities of a list; `index` counts from 0. */
export type ListProblems = readonly (ChangeProblem & { readonly index: number })[];

/** The only moment at which a secret is known. */
export interface KeyWithSecret {
  readonly key: KeyView;
  readonly secret: string;
}

/** What has no secret that is made here. */
export type PlainEntityKind = Exclude<EntityKind, "virtual_key">;

/** Changes of customers, teams, owners and providers, as of keys; null: it is done. */
export interface EntityAdministration {
  /** The fields of an entity that was made through the API; null: the file's, or none. */
  readonly fieldsOf: (kind: PlainEntityKind, id: string) => unknown;
  readonly create: (
    kind: PlainEntityKind,
    fields: unknown,
    by: Asker,
  ) => Promise<ChangeProblem | null>;
  readonly update: (of: EntityPatch, actor: string) => Promise<ChangeProblem | null>;
  readonly remove: (
    kind: PlainEntityKind,
    id: string,
    actor: string,
  ) => Promise<ChangeProblem | null>;
}

export interface EntityPatch {
  readonly kind: PlainEntityKind;
  readonly id: string;
  /** A merge patch (RFC 7396) of the fields of the file, as it came. */
  readonly patch: unknown;
}

/** An estimated charge is to be replaced by a stated one. */
export interface CorrectionOrder {
  readonly request: string;
  /** Null: the only estimated one. */
  readonly attempt: number | null;
  readonly cost: NanoUsd;
  readonly reason: string;
}

/**
 * Changes resolve once they are in the journal and in force for the next request; the caller makes
 * one at a time. Who asked is journalled with them.
 */
export interface KeyAdministration {
  readonly list: () => readonly KeyView[];
  readonly get: (id: string) => KeyView | null;
  /** `fields` are those of the file, `secret` excepted, as they came. */
  readonly create: (fields: unknown, by: Asker) => Promise<KeyWithSecret | ChangeProblem>;
  /** Makes all of them or, where any has a problem, none. */
  readonly createAll: (
    list: readonly unknown[],
    by: Asker,
  ) => Promise<{ readonly made: readonly KeyWithSecret[] } | { readonly problems: ListProblems }>;
  /** `patch` is a merge patch (RFC 7396) of the fields of the file, as it came. */
  readonly update: (id: string, patch: unknown, actor: string) => Promise<KeyView | ChangeProblem>;
  /** Null: it is gone. */
  readonly remove: (id: string, actor: string) => Promise<ChangeProblem | null>;
  readonly rotate: (
    id: string,
    options: { readonly overlapSeconds: number },
    by: Asker,
  ) => Promise<KeyWithSecret | ChangeProblem>;
  readonly revoke: (id: string, by: Asker) => Promise<KeyView | ChangeProblem>;
}

/** The last line of this node's journal; `time` is null while there is none. */
export interface JournalHead {
  readonly node: string;
  readonly seq: number;
  /** Hex SHA-256 of the line; 64 zeros where there is none. */
  readonly hash: string;
  readonly time: string | null;
}

/** Whether requests are served, and what an operator should know. Sentences, no secrets. */
export interface ControlHealth {
  readonly ready: boolean;
  /** Why not ready. */
  readonly reasons: readonly string[];
  /** Credentials that a provider refuses now. */
  readonly providerTroubles: readonly string[];
  /** Why the last reload was not taken; null where the file in force is the one on disk. */
  readonly configurationFault: string | null;
  /** Where the books contradict themselves: a fault of the gateway itself. */
  readonly invariantBreaches: readonly string[];
}

/** Up to where a copy of the journal is whole: all lines before it are on disk. */
export interface BackupPoint {
  readonly node: string;
  readonly position: Position;
  /** The latest time of all lines up to there; null where there is none. */
  readonly time: string | null;
}

/** A request that rules are asked about; what is null or missing is as in an ordinary first request. */
export interface RouteQuestion {
  readonly virtualKey: string;
  readonly model: string;
  readonly task: TaskType;
  readonly inputBytes: number;
  readonly toolCount: number;
  readonly thinking: boolean;
  readonly stream: boolean;
  readonly maxTokens: number | null;
  readonly agentDepth: number;
  /** Over the key's own. */
  readonly labels: Readonly<Record<string, string>>;
  /** Unix milliseconds. */
  readonly atMs: number;
}

export interface RouteTargetView {
  readonly provider: string;
  /** Null: the model that was asked for. */
  readonly model: string | null;
  readonly weight: number;
}

/** Where a request would go, and what became of every rule. */
export interface RouteExplanation {
  readonly decision: {
    readonly rule: string | null;
    readonly groups: readonly (readonly RouteTargetView[])[];
    readonly onUnsupported: "refuse" | "drop";
    readonly fallbacks: {
      readonly contextLength: readonly RouteTargetView[];
      readonly contentPolicy: readonly RouteTargetView[];
    };
    readonly why: string;
  };
  readonly rules: readonly {
    readonly rule: string;
    readonly outcome: "taken" | "skipped" | "failed" | "not_reached";
    readonly why: string;
  }[];
  readonly facts: Readonly<Record<string, string | number | boolean>>;
}

/** An agent of a session. Amounts in nano-dollars, times in Unix milliseconds. */
export interface AgentView {
  readonly agent: string;
  readonly parent: string | null;
  /** 1: started by the main loop. */
  readonly depth: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly requests: number;
  readonly tokens: number;
  readonly spent: bigint;
  readonly inFlight: number;
}

/** A session as it is now; moments are null where none of its requests is remembered. */
export interface SessionView extends Omit<AgentView, "agent" | "parent" | "firstMs" | "lastMs"> {
  readonly virtualKey: string;
  /** The name under which its requests are counted. */
  readonly session: string;
  readonly team: string | null;
  readonly state: "running" | "paused" | "stopped";
  readonly reason: string | null;
  readonly actor: string | null;
  readonly sinceMs: number | null;
  readonly firstMs: number | null;
  readonly lastMs: number | null;
  readonly nanoPerHour: number;
  readonly agentCount: number;
  readonly agents: () => readonly AgentView[];
}

/** A session that is to be stopped, paused or resumed; it need not have been seen. */
export interface SessionOrder extends Asker {
  readonly virtualKey: string;
  readonly session: string;
  readonly reason: string | null;
}

export interface SessionAdministration {
  readonly list: () => readonly SessionView[];
  /** Null: nothing is known of it. */
  readonly get: (id: Pick<SessionOrder, "virtualKey" | "session">) => SessionView | null;
  /** The session as it is then: the change is journalled, and in force for the next request. */
  readonly change: (
    action: SessionAction,
    order: SessionOrder,
  ) => Promise<SessionView | ChangeProblem>;
}

export interface ControlPorts {
  readonly version: string;
  readonly clock: Clock;
  readonly startedMs: number;
  /** Whether `presented` is the admin token; takes as long whether it is or not. */
  readonly verifyToken: (presented: string) => boolean;
  /** The configuration in force; the API shows parts of it, never a secret. */
  readonly config: () => Config;
  /** Base URL of the data plane as clients on this machine reach it ("http://127.0.0.1:8080"). */
  readonly dataPlaneUrl: () => string;
  readonly budgets: () => readonly BudgetView[];
  readonly views: Pick<Views, "requests" | "request" | "usage" | "shadow" | "sync" | "status">;
  readonly keys: KeyAdministration;
  readonly entities: EntityAdministration;
  readonly sessions: SessionAdministration;
  /** The latest findings of runaways, newest first. */
  readonly findings: () => readonly FindingRecord[];
  /** Null: it is journalled and in the budgets. */
  readonly correct: (order: CorrectionOrder, by: Asker) => Promise<ChangeProblem | null>;
  readonly doneCalls: DoneCalls;
  readonly head: () => JournalHead;
  /** `{data_dir}/journal/{node}`. */
  readonly journalDirectory: string;
  readonly health: () => ControlHealth;
  /** Attempts that run now, and the money that they hold; what is waiting holds nothing. */
  readonly inFlight: () => { readonly attempts: number; readonly held: bigint };
  /** `kind`: of the provider; left out: Anthropic's prices. */
  readonly explainPrice: (model: string, atMs: number, kind?: string) => PriceExplanation;
  /** A dry run of the rules in force; null: there is no such key. */
  readonly explainRoute: (question: RouteQuestion) => RouteExplanation | null;
  /** What would become of a request, and by whose rules; null: there is no such key. */
  readonly why: (question: WhyQuestion) => WhyReport | null;
  /** Models that have a price, as clients send them; with a kind those of its own list. */
  readonly pricedModels: (kind?: string) => readonly string[];
  /** All metrics in Prometheus' text format. */
  readonly metricsText: () => Promise<string>;
  readonly log: Pick<TollgateLog, "info" | "warn" | "error">;
  /** Makes a new admin token; the old one is void at once. Null: the configuration sets it. */
  readonly resetAdminToken: () => string | null;
  /** Saves the snapshot and syncs the journal; rejects where the disk does not let it. */
  readonly backupPoint: () => Promise<BackupPoint>;
}
