/** Compiles a configuration into one immutable plan per virtual key; the hot path looks it up and follows it. */
import type {
  BudgetConfig,
  Config,
  KeyProviderConfig,
  LimitConfig,
  ProviderConfig,
  ProviderKeyConfig,
  VirtualKeyConfig,
} from "../config/config.ts";
import type { GovernanceConfig } from "../config/governance-config.ts";
import type { RunawayConfig } from "../config/runaway-config.ts";
import { invariant } from "../core/invariant.ts";
import type { VirtualKeyId } from "../core/ids.ts";
import type { AccountScope, Scope } from "../core/span.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { meterId } from "../ledger/meter.ts";
import type { Meter, MeterDefinition, ShadowRole } from "../ledger/state.ts";
import { type AccessChain, createAccessCompiler } from "./access/chain.ts";
import { type BarredProvider, narrowed } from "./access/narrow.ts";
import { compileLevers } from "./levers/compile.ts";
import type { Levers } from "./levers/levers.ts";
import { modelMatcher } from "./models.ts";
import { shadowRoles } from "./shadow-roles.ts";
import { sessionRules, type SessionRule } from "./sessions/caps.ts";

/** One provider that a key may use. */
export interface PlanProvider {
  readonly provider: ProviderConfig;
  readonly allows: (model: string) => boolean;
  /** Meters of the provider config alone. */
  readonly meters: readonly Meter[];
  /** Meters of the accounts behind the provider's keys, by the key's id; only of keys that have limits. */
  readonly accounts: ReadonlyMap<string, readonly Meter[]>;
}

/** One scope above a key, or the key itself, and what it says of its requests. */
export interface PlanLevel {
  readonly scope: Scope;
  readonly governance: GovernanceConfig;
}

export interface Plan {
  readonly virtualKey: VirtualKeyId;
  readonly owner: string | null;
  readonly team: string;
  readonly customer: string;
  /** Of all levels, the inner one winning; null where there are none. */
  readonly labels: Readonly<Record<string, string>> | null;
  readonly expiresMs: number | null;
  /** Customer, team, owner and key, outermost first; an owner that is not listed is left out. */
  readonly levels: readonly PlanLevel[];
  /** Those of them that neither observe nor are below one that does. */
  readonly enforcedLevels: readonly PlanLevel[];
  /** Some level observes, and so the key does: its own rules are followed on paper alone. */
  readonly observes: boolean;
  /** Caps of these on sessions; empty where there are none. */
  readonly sessionRules: readonly SessionRule[];
  /** Of the file and all levels that are enforced; null: nobody says any. */
  readonly levers: Levers | null;
  /** The same with those that are followed on paper alone; null: there are none. */
  readonly paperLevers: Levers | null;
  /** Meters of customer, team, owner and key, outermost first. */
  readonly meters: readonly Meter[];
  /** In order of preference, as `access` leaves them. */
  readonly providers: readonly PlanProvider[];
  /** What the levels, and the file, let requests be; null: they say nothing. */
  readonly access: AccessChain | null;
  /** Providers of the key that `access` takes away. */
  readonly barred: readonly BarredProvider[];
}

/** Everything the gateway follows, swapped as a whole. A request keeps the policy it began with. */
export interface Policy {
  readonly mode: "enforce" | "observe";
  readonly unknownModels: "assume" | "refuse";
  /** Of the whole file: outside all levels. */
  readonly runaway: RunawayConfig | null;
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
  const roles = shadowRoles(config);
  return [
    ...config.providers.flatMap((provider) =>
      inRole(
        roles.accounts,
        provider.keys.flatMap((key) => accountMetersOf(provider, key)),
      ),
    ),
    ...config.customers.flatMap((customer) =>
      inRole(roles.customer(customer), metersOf("customer", customer.id, customer)),
    ),
    ...config.teams.flatMap((team) => inRole(roles.team(team), metersOf("team", team.id, team))),
    ...config.owners.flatMap((owner) =>
      inRole(roles.owner(owner), metersOf("owner", owner.id, owner)),
    ),
    ...config.virtualKeys.flatMap((key) =>
      inRole(roles.key(key), [
        ...metersOf("virtual_key", key.id, key),
        ...(key.providers ?? []).flatMap((use) =>
          metersOf("provider_config", `${key.id}/${use.id}`, use),
        ),
      ]),
    ),
  ];
}

function inRole(role: ShadowRole | null, definitions: MeterDefinition[]): MeterDefinition[] {
  if (role === null) return definitions;
  return definitions.map((definition) => ({ ...definition, shadow: role }));
}

function accountMetersOf({ id }: ProviderConfig, key: ProviderKeyConfig): MeterDefinition[] {
  return limitsOf({ type: "provider_key", id: `${id}/${key.id}` }, key.rateLimits);
}

function limitsOf(scope: Scope | AccountScope, limits: readonly LimitConfig[]): MeterDefinition[] {
  return limits.map(({ unit, span, burst, amount, overshoot = "none" }) => ({
    scope,
    unit,
    span,
    burst,
    cap: BigInt(amount),
    overshoot,
  }));
}

function metersOf(type: Scope["type"], id: string, governed: Governed): MeterDefinition[] {
  const scope = { type, id };
  return [
    ...limitsOf(scope, governed.rateLimits),
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
  const lookup = compileLookup(config, ledger);
  const plans = config.virtualKeys.map((key) => compilePlan(key, lookup, ledger));
  return {
    mode: config.mode,
    unknownModels: config.unknownModels,
    runaway: config.runaway,
    failOver: config.routing.failOver,
    plans: new Map(plans.map((plan) => [plan.virtualKey, plan])),
  };
}

function compileLookup(config: Config, ledger: Ledger) {
  return {
    providers: config.providers,
    accounts: new Map(
      config.providers.map((provider) => [provider, accountsOf(provider, ledger)] as const),
    ),
    customers: new Map(config.customers.map((customer) => [customer.id, customer])),
    teams: new Map(config.teams.map((team) => [team.id, team])),
    owners: new Map(config.owners.map((owner) => [owner.id, owner])),
    accessOf: createAccessCompiler(config),
    leversOf: compileLevers(config.levers),
  };
}

function accountsOf(provider: ProviderConfig, ledger: Ledger): PlanProvider["accounts"] {
  const limited = provider.keys.filter(({ rateLimits }) => rateLimits.length > 0);
  return new Map(
    limited.map((key) => [
      key.id,
      accountMetersOf(provider, key).map((definition) => live(ledger, definition)),
    ]),
  );
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
  const chain = [
    levelOf("customer", customer),
    levelOf("team", team),
    ...(owner === undefined ? [] : [levelOf("owner", owner)]),
    levelOf("virtual_key", key),
  ];
  const levels = chain.map(({ scope, governance }) => ({ scope, governance }));
  const access = lookup.accessOf(levels);
  const observedFrom = levels.findIndex(({ governance }) => governance.mode === "observe");
  const observes = observedFrom >= 0;
  const enforcedLevels = observes ? levels.slice(0, observedFrom) : levels;
  const labels = { ...customer.labels, ...team.labels, ...owner?.labels, ...key.labels };
  return {
    virtualKey: key.id,
    owner: key.owner,
    team: team.id,
    customer: customer.id,
    labels: Object.keys(labels).length === 0 ? null : labels,
    expiresMs: key.expiresMs,
    levels,
    enforcedLevels,
    observes,
    sessionRules: sessionRules(levels),
    levers: lookup.leversOf(enforcedLevels),
    paperLevers: observes ? lookup.leversOf(levels) : null,
    meters: chain.flatMap(({ meters }) => meters).map((definition) => live(ledger, definition)),
    access,
    ...narrowed(usesOf(key, lookup, ledger), access),
  };
}

/** The key's own providers, before anything is taken away. */
function usesOf(
  key: VirtualKeyConfig,
  lookup: ReturnType<typeof compileLookup>,
  ledger: Ledger,
): PlanProvider[] {
  return providersOf(key, lookup.providers).map(({ use, provider }) => ({
    provider,
    allows: use.models === null ? () => true : modelMatcher(use.models),
    meters: metersOf("provider_config", `${key.id}/${use.id}`, use).map((definition) =>
      live(ledger, definition),
    ),
    accounts: lookup.accounts.get(provider) ?? NO_ACCOUNTS,
  }));
}

function levelOf(
  type: Scope["type"],
  entity: Governed & { readonly id: string; readonly governance: GovernanceConfig },
) {
  const { id, governance } = entity;
  return { scope: { type, id }, governance, meters: metersOf(type, id, entity) };
}

const NO_ACCOUNTS: PlanProvider["accounts"] = new Map();

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
