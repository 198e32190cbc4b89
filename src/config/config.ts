/** The configuration after validation: amounts, spans and durations parsed, references resolved. */
import type { CustomerId, OwnerId, ProviderId, TeamId, VirtualKeyId } from "../core/ids.ts";
import type { NanoUsd } from "../core/money.ts";
import type { Span, Unit } from "../core/span.ts";
import type { CloudCredential } from "../providers/credential.ts";
import type { PriceOverride } from "../pricing/override.ts";
import type { Quirk } from "../wire/egress.ts";
import type { AccessConfig } from "./access-config.ts";
import type { FairnessConfig } from "./fairness-config.ts";
import type { GovernanceConfig } from "./governance-config.ts";
import type { LeverRuleConfig, LeversConfig } from "./levers-config.ts";
import type { RunawayConfig } from "./runaway-config.ts";
import type { RoutingConfig } from "./routing-config.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface BudgetConfig {
  readonly usd: NanoUsd;
  readonly span: Span;
  readonly overshoot: "none" | "last_request";
}

export interface LimitConfig {
  readonly unit: Exclude<Unit, "usd">;
  /** Nano-dollars of `cost`; else plain numbers. */
  readonly amount: number | NanoUsd;
  /** Null for `concurrent`, which has no window. */
  readonly span: Span | null;
  /** A token bucket of this size, in the unit, instead of a calendar window; null: the window. */
  readonly burst: number | null;
  /** Left out: none. */
  readonly overshoot?: "none" | "last_request";
}

interface Governed {
  readonly budgets: readonly BudgetConfig[];
  readonly rateLimits: readonly LimitConfig[];
}

interface Labelled {
  readonly governance: GovernanceConfig;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
}

export interface CustomerConfig extends Governed, Labelled {
  readonly id: CustomerId;
}

export interface TeamConfig extends Governed, Labelled {
  readonly id: TeamId;
  readonly customer: CustomerId;
}

export interface OwnerConfig extends Governed, Labelled {
  readonly id: OwnerId;
  readonly team: TeamId;
}

/** One provider that a key may use; the order in the key is the order of preference. */
export interface KeyProviderConfig extends Governed {
  readonly id: ProviderId;
  /** Globs over model ids; null allows every model. */
  readonly models: readonly string[] | null;
}

export interface VirtualKeyConfig extends Governed, Labelled {
  readonly id: VirtualKeyId;
  readonly team: TeamId;
  readonly owner: OwnerId | null;
  /** The secret itself, resolved; null where `tollgate keys rotate` gives it. Never logged. */
  readonly secret: string | null;
  readonly expiresMs: number | null;
  /** Null: all providers, in the file's order. */
  readonly providers: readonly KeyProviderConfig[] | null;
}

export interface ProviderKeyConfig {
  readonly id: string;
  /** The provider's own credential, resolved; "" where `cloud` is set. Never logged. */
  readonly secret: string;
  readonly cloud: CloudCredential | null;
  readonly weight: number;
  /** Globs over model ids that this key may serve; null: all. */
  readonly models: readonly string[] | null;
  /** What the account behind it may take. */
  readonly rateLimits: readonly LimitConfig[];
}

/** A name that clients ask for, or a glob over such, and the provider's own name for it. */
export interface ModelMapping {
  readonly from: string;
  readonly to: string;
}

export interface ProviderConfig {
  readonly id: ProviderId;
  readonly kind: string;
  /** Without a trailing slash; null: the catalogue's. */
  readonly baseUrl: string | null;
  /** What the kind's URL and paths need: "region", "project". */
  readonly settings: Readonly<Record<string, string>>;
  /** Id of the one door to use; null: the catalogue's order. */
  readonly door: string | null;
  /** In the file's order; the first that fits counts, before the catalogue's names. */
  readonly modelMap: readonly ModelMapping[];
  /** Added to the kind's. */
  readonly quirks: readonly Quirk[];
  /** A host name may resolve to a loopback, private or link-local address. */
  readonly allowPrivateNetwork: boolean;
  readonly keys: readonly ProviderKeyConfig[];
}

export interface TimeoutsConfig {
  readonly headerMs: number;
  readonly bodyIdleMs: number;
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly idleMs: number;
}

export interface Config {
  /** The file that it was read from; null where there was none. */
  readonly file: string | null;
  readonly mode: "enforce" | "observe";
  readonly unknownModels: "assume" | "refuse";
  /** For all requests; null: nothing said. */
  readonly runaway: RunawayConfig | null;
  readonly server: {
    readonly listen: Address;
    readonly adminListen: Address;
    readonly maxBodyBytes: number;
    readonly drainMs: number;
    readonly budgetWaitMs: number;
    readonly timeouts: TimeoutsConfig;
    readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
    readonly trustedProxies: readonly string[];
  };
  readonly outbound: { readonly proxyUrl: string | null; readonly caPem: string | null };
  /** Absolute. */
  readonly dataDir: string;
  readonly timeZone: string;
  readonly journal: {
    readonly durability: "os" | "disk";
    readonly segmentBytes: number;
    readonly retainMs: number;
  };
  readonly log: {
    readonly level: "debug" | "info" | "warn" | "error";
    readonly format: "json" | "text";
  };
  readonly admin: { readonly token: string | null; readonly openMetrics: boolean };
  readonly providers: readonly ProviderConfig[];
  readonly customers: readonly CustomerConfig[];
  readonly teams: readonly TeamConfig[];
  readonly owners: readonly OwnerConfig[];
  readonly virtualKeys: readonly VirtualKeyConfig[];
  /** What any request may be: the outermost scope's. */
  readonly access: AccessConfig | null;
  readonly routing: RoutingConfig;
  /** Of every request; null: nothing said. */
  readonly levers: LeversConfig | null;
  readonly leverRules: readonly LeverRuleConfig[];
  readonly fairness: FairnessConfig;
  readonly prices: readonly PriceOverride[];
}
