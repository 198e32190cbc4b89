/** Compiles a configuration into one immutable plan per virtual key; the hot path looks it up and follows it. */
import type {
  BudgetConfig,
  Config,
  KeyProviderConfig,
  LimitConfig,
  ProviderConfig,
  VirtualKeyConfig,
} from "../config/config.ts";
import { invariant } from "../core/invariant.ts";
import type { VirtualKeyId } from "../core/ids.ts";
import type { Scope } from "../core/span.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { meterId } from "../ledger/meter.ts";
import type { Meter, MeterDefinition } from "../ledger/state.ts";
import { modelMatcher } from "./models.ts";

/** One provider that a key may use. */
export interface PlanProvider {
  readonly provider: ProviderConfig;
  readonly allows: (model: string) => boolean;
  /** Meters of the provider config alone. */
  readonly meters: readonly Meter[];
}

export interface Plan {
  readonly virtualKey: VirtualKeyId;
  readonly owner: string | null;
  readonly team: string;
  readonly customer: string;
  /** Of all levels, the inner one winning; null where there are none. */
  readonly labels: Readonly<Record<string, string>> | null;
  readonly expiresMs: number | null;
  /** Meters of customer, team, owner and key, outermost first. */
  readonly meters: readonly Meter[];
  /** In order of preference. */
  readonly providers: readonly PlanProvider[];
}

/** Everything the gateway follows, swapped as a whole. A request keeps the policy it began with. */
export interface Policy {
  readonly mode: "enforce" | "observe";
  readonly unknownModels: "assume" | "refuse";
  /** Failed attempts are repeated and moved to other targets, and what keeps failing is left alone. */
  readonly failOver: boolean;
  readonly plans: ReadonlyMap<VirtualKeyId, Plan>;
}

interface Governed {
  readonly budgets: readonly BudgetConfig[];
  readonly rateLimits: readonly LimitConfig[];
}

/** Every budget and limit of a configuration as a meter to count by. */
export function meterDefinitions(config: Config): MeterDefinition[] {
  return [
    ...config.customers.flatMap((customer) => metersOf("customer", customer.id, customer)),
    ...config.teams.flatMap((team) => metersOf("team", team.id, team)),
    ...config.owners.flatMap((owner) => metersOf("owner", owner.id, owner)),
    ...config.virtualKeys.flatMap((key) => [
      ...metersOf("virtual_key", key.id, key),
      ...(key.providers ?? []).flatMap((use) =>
        metersOf("provider_config", `${key.id}/${use.id}`, use),
      ),
    ]),
  ];
}

function metersOf(type: Scope["type"], id: string, governed: Governed): MeterDefinition[] {
  const scope = { type, id };
  return [
    ...governed.rateLimits.map((limit) => ({
      scope,
      unit: limit.unit,
      span: limit.span,
      burst: limit.burst,
      cap: BigInt(limit.amount),
      overshoot: "none" as const,
    })),
    ...governed.budgets.map((budget) => ({
      scope,
      unit: "usd" as const,
      span: budget.span,
      burst: null,
      cap: budget.usd,
      overshoot: budget.overshoot,
    })),
  ];
}

/** Compiles plans against the ledger's live meters; call it right after `ledger.configure`. */
export function compilePolicy(config: Config, ledger: Ledger): Policy {
  const lookup = compileLookup(config);
  const plans = config.virtualKeys.map((key) => compilePlan(key, lookup, ledger));
  return {
    mode: config.mode,
    unknownModels: config.unknownModels,
    failOver: config.routing.failOver,
    plans: new Map(plans.map((plan) => [plan.virtualKey, plan])),
  };
}

function compileLookup(config: Config) {
  return {
    providers: config.providers,
    customers: new Map(config.customers.map((customer) => [customer.id, customer])),
    teams: new Map(config.teams.map((team) => [team.id, team])),
    owners: new Map(config.owners.map((owner) => [owner.id, owner])),
  };
}

function compilePlan(
  key: VirtualKeyConfig,
  lookup: ReturnType<typeof compileLookup>,
  ledger: Ledger,
): Plan {
  const team = lookup.teams.get(key.team);
  const customer = team && lookup.customers.get(team.customer);
  invariant(team !== undefined && customer !== undefined, "a validated key has team and customer");
  const owner = key.owner === null ? undefined : lookup.owners.get(key.owner);
  const levels = [
    metersOf("customer", customer.id, customer),
    metersOf("team", team.id, team),
    owner === undefined ? [] : metersOf("owner", owner.id, owner),
    metersOf("virtual_key", key.id, key),
  ];
  const labels = { ...customer.labels, ...team.labels, ...owner?.labels, ...key.labels };
  return {
    virtualKey: key.id,
    owner: key.owner,
    team: team.id,
    customer: customer.id,
    labels: Object.keys(labels).length === 0 ? null : labels,
    expiresMs: key.expiresMs,
    meters: levels.flat().map((definition) => live(ledger, definition)),
    providers: providersOf(key, lookup.providers).map(({ use, provider }) => ({
      provider,
      allows: use.models === null ? () => true : modelMatcher(use.models),
      meters: metersOf("provider_config", `${key.id}/${use.id}`, use).map((definition) =>
        live(ledger, definition),
      ),
    })),
  };
}

function live(ledger: Ledger, definition: MeterDefinition): Meter {
  const meter = ledger.meter(meterId(definition));
  invariant(meter !== undefined, "the ledger knows every configured meter");
  return meter;
}

function providersOf(
  key: VirtualKeyConfig,
  providers: readonly ProviderConfig[],
): { use: KeyProviderConfig; provider: ProviderConfig }[] {
  const uses =
    key.providers ?? providers.map(({ id }) => ({ id, models: null, budgets: [], rateLimits: [] }));
  return uses.flatMap((use) => {
    const provider = providers.find(({ id }) => id === use.id);
    return provider === undefined ? [] : [{ use, provider }];
  });
}
