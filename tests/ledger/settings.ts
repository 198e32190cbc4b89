/** A configuration that random steps change bit by bit: two customers, three teams, two people, four keys. */
import { NO_GOVERNANCE } from "../../src/config/governance-config.ts";
import type {
  BudgetConfig,
  Config,
  KeyProviderConfig,
  LimitConfig,
} from "../../src/config/config.ts";
import type { CustomerId, OwnerId, ProviderId, TeamId, VirtualKeyId } from "../../src/core/ids.ts";
import { nanoUsd } from "../../src/core/money.ts";
import type { Span } from "../../src/core/span.ts";
import { PROVIDER_KEY } from "./model.ts";

export const KEYS = ["ada", "bob", "ci#1", "dev%2"] as const;
export const PROVIDERS = ["anthropic", "bedrock"] as const;
const TEAMS = ["platform", "research", "sales|emea"] as const;
const OWNERS = ["ada@acme.example", "bob@acme.example"] as const;
const CUSTOMERS = ["acme", "globex"] as const;

const ZONES = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "America/Santiago",
  "Africa/Cairo",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
  "Pacific/Auckland",
] as const;
const PERIODS = ["minute", "hour", "day", "week", "month"] as const;
const ROLLING: readonly (readonly [text: string, spanMs: number])[] = [
  ["7s", 7_000],
  ["100s", 100_000],
  ["5h", 18_000_000],
  ["7d", 604_800_000],
];

interface Governed {
  budgets: BudgetConfig[];
  rateLimits: LimitConfig[];
}

/** What the steps may change. Scope names are `type/id`. */
export class Settings {
  mode: "enforce" | "observe" = "enforce";
  readonly #governed = new Map<string, Governed>();
  readonly #teamOf = new Map<string, number>(KEYS.map((key, index) => [key, index % TEAMS.length]));
  #revision = 0;

  /** A text that changes with every change. */
  get digest(): string {
    return `revision ${this.#revision}`;
  }

  /** Adds a budget to one scope, or removes it where the scope has it. */
  toggleBudget(scope: number, choice: number, usd: bigint): void {
    const governed = this.#at(scope);
    const span = spanOf(choice);
    const rest = governed.budgets.filter((budget) => !same(budget.span, span));
    governed.budgets =
      rest.length < governed.budgets.length
        ? rest
        : [...rest, { usd: nanoUsd(usd), span, overshoot: "none" }];
    this.#revision++;
  }

  /** Adds a limit to one scope, or removes it where the scope has it. */
  toggleLimit(scope: number, choice: number, amount: number): void {
    const governed = this.#at(scope);
    const limit = limitOf(choice, amount);
    const isIt = (other: LimitConfig) =>
      other.unit === limit.unit && same(other.span, limit.span) && other.burst === limit.burst;
    const rest = governed.rateLimits.filter((other) => !isIt(other));
    governed.rateLimits = rest.length < governed.rateLimits.length ? rest : [...rest, limit];
    this.#revision++;
  }

  /** Gives all budgets and limits of a scope new caps. */
  scaleCaps(scope: number, percent: number): void {
    const governed = this.#at(scope);
    governed.budgets = governed.budgets.map((budget) => ({
      ...budget,
      usd: nanoUsd((budget.usd * BigInt(percent)) / 100n),
    }));
    governed.rateLimits = governed.rateLimits.map((limit) => ({
      ...limit,
      amount:
        typeof limit.amount === "number"
          ? Math.ceil((limit.amount * percent) / 100)
          : nanoUsd((limit.amount * BigInt(percent)) / 100n),
    }));
    this.#revision++;
  }

  moveKey(key: number, team: number): void {
    this.#teamOf.set(KEYS[key % KEYS.length] ?? "", team % TEAMS.length);
    this.#revision++;
  }

  switchMode(): void {
    this.mode = this.mode === "enforce" ? "observe" : "enforce";
    this.#revision++;
  }

  config(): Config {
    return {
      ...FRAME,
      mode: this.mode,
      providers: PROVIDERS.map((id) => ({
        id: id as ProviderId,
        kind: "anthropic",
        baseUrl: null,
        settings: {},
        door: null,
        modelMap: [],
        quirks: [],
        allowPrivateNetwork: false,
        keys: [
          {
            id: PROVIDER_KEY,
            secret: "",
            cloud: null,
            weight: 1,
            models: null,
            rateLimits: this.#of(`provider_key/${id}/${PROVIDER_KEY}`).rateLimits,
          },
        ],
      })),
      customers: CUSTOMERS.map((id) => ({ id: id as CustomerId, ...this.#of(`customer/${id}`) })),
      teams: TEAMS.map((id, index) => ({
        id: id as TeamId,
        customer: (CUSTOMERS[index % CUSTOMERS.length] ?? "") as CustomerId,
        ...this.#of(`team/${id}`),
      })),
      owners: OWNERS.map((id) => ({
        id: id as OwnerId,
        team: TEAMS[0] as string as TeamId,
        ...this.#of(`owner/${id}`),
      })),
      virtualKeys: KEYS.map((id, index) => ({
        id: id as VirtualKeyId,
        team: (TEAMS[this.#teamOf.get(id) ?? 0] ?? "") as TeamId,
        owner: (OWNERS[index] as OwnerId | undefined) ?? null,
        secret: null,
        expiresMs: null,
        providers: PROVIDERS.map((provider) => this.#use(id, provider)),
        ...this.#of(`virtual_key/${id}`),
      })),
    };
  }

  #use(key: string, provider: string): KeyProviderConfig {
    const { budgets, rateLimits } = this.#of(`provider_config/${key}/${provider}`);
    return { id: provider as ProviderId, models: null, budgets, rateLimits };
  }

  #of(scope: string) {
    const { budgets, rateLimits } = this.#governed.get(scope) ?? NOTHING;
    return { name: null, labels: {}, governance: NO_GOVERNANCE, budgets, rateLimits };
  }

  #at(scope: number): Governed {
    const name = SCOPES[scope % SCOPES.length] ?? "";
    const governed = this.#governed.get(name) ?? { budgets: [], rateLimits: [] };
    this.#governed.set(name, governed);
    return governed;
  }
}

const NOTHING: Governed = { budgets: [], rateLimits: [] };

/** Those that most requests pass come first and twice. */
const SCOPES = [
  "virtual_key/ada",
  "team/platform",
  "customer/acme",
  "owner/ada@acme.example",
  "provider_config/ada/anthropic",
  "virtual_key/ada",
  "team/platform",
  "virtual_key/ci#1",
  "team/sales|emea",
  "virtual_key/dev%2",
  "customer/globex",
  "owner/bob@acme.example",
  "provider_key/anthropic/main",
];

function spanOf(choice: number): Span {
  const calendar = {
    kind: "calendar",
    per: PERIODS[choice % PERIODS.length] ?? "day",
    timeZone: ZONES[(choice >> 4) % ZONES.length] ?? "UTC",
  } as const;
  const [text, spanMs] = ROLLING[(choice >> 4) % ROLLING.length] ?? ["5h", 18_000_000];
  const kinds = [
    calendar,
    calendar,
    { kind: "rolling", text, spanMs },
    { kind: "total" },
    { kind: "session" },
    { kind: "subagent" },
  ] as const;
  return kinds[(choice >> 8) % kinds.length] ?? calendar;
}

/** `amount` is of 0 to 11. Half of the limits are token buckets, a quarter has another window. */
function limitOf(choice: number, amount: number): LimitConfig {
  const units = ["requests", "input_tokens", "output_tokens", "concurrent", "cost"] as const;
  const unit = units[choice % units.length] ?? "requests";
  if (unit === "concurrent") return { unit, amount: amount % 4, span: null, burst: null };
  const calendar = {
    kind: "calendar",
    per: PERIODS[(choice >> 4) % 3] ?? "hour",
    timeZone: "Europe/Berlin",
  } as const;
  const sizes = { requests: 2, input_tokens: 5_000, output_tokens: 40_000, cost: 90_000_000 };
  const burst = (choice >> 8) % 2 === 0 ? null : sizes[unit];
  const isCalendar = burst !== null || (choice >> 9) % 2 === 0;
  const span = isCalendar ? calendar : spanOf(choice);
  if (unit === "cost") return { unit, amount: nanoUsd(BigInt(amount) * 40_000_000n), span, burst };
  const tokens = { requests: 1, input_tokens: 1_500, output_tokens: 12_000 }[unit];
  return { unit, amount: amount * tokens, span, burst };
}

function same(left: Span | null, right: Span | null): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

const FRAME: Omit<Config, "mode" | "providers" | "customers" | "teams" | "owners" | "virtualKeys"> =
  {
    file: null,
    unknownModels: "assume",
    runaway: null,
    server: {
      listen: { host: "127.0.0.1", port: 0 },
      adminListen: { host: "127.0.0.1", port: 0 },
      maxBodyBytes: 1,
      drainMs: 0,
      budgetWaitMs: 0,
      timeouts: { headerMs: 1, bodyIdleMs: 1, connectMs: 1, firstByteMs: 1, idleMs: 1 },
      tls: null,
      trustedProxies: [],
    },
    outbound: { proxyUrl: null, caPem: null },
    dataDir: "data",
    timeZone: "UTC",
    journal: { durability: "os", segmentBytes: 1, retainMs: 1 },
    log: { level: "error", format: "json" },
    admin: { token: null, openMetrics: false },
    prices: [],
    access: null,
    fairness: { enabled: true, queueMax: 1, waitMs: 0 },
    routing: { failOver: true, onUnsupported: "refuse", rules: [] },
    levers: null,
    leverRules: [],
  };
