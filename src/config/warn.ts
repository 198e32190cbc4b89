/** What is legal in a configuration but probably not meant. Warnings change nothing. */
import { formatUsd, type NanoUsd } from "../core/money.ts";
import { warnOfEmptyAccess } from "./access-check.ts";
import type { BudgetConfig, Config, TeamConfig, VirtualKeyConfig } from "./config.ts";
import type { Finding } from "./explain.ts";
import type { GovernanceConfig } from "./governance-config.ts";
import type { Path } from "./fault.ts";
import type { ConfigFile } from "./schema.ts";
import { shown } from "./secrecy.ts";
import { warnOfSmallLimits } from "./warn-limits.ts";

/**
 * The least cap that work with these models can use to 95 %; null where it is not known.
 *
 * @param models Globs over model ids; null stands for all models.
 */
export type SmallestCap = (models: readonly string[] | null) => NanoUsd | null;

const TOKEN_CHARACTERS_MIN = 16;

/** @param file What `config` was made from: its indices are those of the text. */
export function warningsOf(
  file: ConfigFile,
  config: Config,
  smallestCap: SmallestCap | null,
): Finding[] {
  const findings: Finding[] = [];
  const warn = (path: Path, message: string): unknown =>
    findings.push({ path, part: "value", message });
  warnOfNothingToServe(config, warn);
  warnOfUnheardModes(config, warn);
  warnOfEmptyAccess(file, warn);
  if (config.admin.token !== null && config.admin.token.length < TOKEN_CHARACTERS_MIN) {
    warn(
      ["admin", "token"],
      `is shorter than ${TOKEN_CHARACTERS_MIN} characters: use a longer one`,
    );
  }
  for (const [path, budgets] of budgetsOf(file)) warnOfIdleZones(path, budgets, warn);
  if (smallestCap !== null) warnOfSmallCaps(config, smallestCap, warn);
  warnOfSmallLimits(config, warn);
  return findings;
}

type Warn = (path: Path, message: string) => unknown;

function warnOfNothingToServe(config: Config, warn: Warn): void {
  if (config.providers.length === 0)
    warn(["providers"], "no provider: every request will be refused");
  for (const [index, key] of config.virtualKeys.entries()) {
    const path = ["virtual_keys", index, "providers"];
    if (key.providers?.length === 0)
      warn(path, "is empty, so the key may use no provider: leave it out for all");
    for (const [at, provider] of (key.providers ?? []).entries()) {
      if (provider.models?.length !== 0) continue;
      warn([...path, at, "models"], "is empty, so no model is allowed: leave it out for all");
    }
  }
}

/** What is in shadow is so with all that is below it: a narrower scope cannot leave it. */
function warnOfUnheardModes(config: Config, warn: Warn): void {
  const { customers, teams, owners, virtualKeys } = config;
  const observed = new Set<string>();
  const look = (path: Path, scope: Scoped, parents: readonly string[]): void => {
    const { mode } = scope.entity.governance;
    const above =
      config.mode === "observe" ? "the gateway" : parents.find((id) => observed.has(id));
    if (mode === "observe" || above !== undefined) observed.add(scope.name);
    if (mode === "enforce" && above !== undefined)
      warn([...path, "mode"], `enforce is not heard: ${above} observes, with all that is below it`);
  };
  for (const [index, entity] of customers.entries())
    look(["customers", index], { name: `customer ${entity.id}`, entity }, []);
  for (const [index, entity] of teams.entries()) {
    const parents = [`customer ${entity.customer}`];
    look(["teams", index], { name: `team ${entity.id}`, entity }, parents);
  }
  for (const [index, entity] of owners.entries())
    look(["owners", index], { name: `owner ${entity.id}`, entity }, [`team ${entity.team}`]);
  for (const [index, entity] of virtualKeys.entries()) {
    const parents = [`team ${entity.team}`, `owner ${entity.owner ?? ""}`];
    look(["virtual_keys", index], { name: `key ${entity.id}`, entity }, parents);
  }
}

interface Scoped {
  readonly name: string;
  readonly entity: { readonly governance: GovernanceConfig };
}

type FileBudgets = ConfigFile["customers"][number]["budgets"];

function* budgetsOf(file: ConfigFile): Generator<[Path, FileBudgets]> {
  for (const name of ["customers", "teams", "owners", "virtual_keys"] as const) {
    for (const [index, { budgets }] of file[name].entries())
      yield [[name, index, "budgets"], budgets];
  }
  for (const [index, key] of file.virtual_keys.entries()) {
    for (const [at, { budgets }] of (key.providers ?? []).entries()) {
      yield [["virtual_keys", index, "providers", at, "budgets"], budgets];
    }
  }
}

function warnOfIdleZones(path: Path, budgets: FileBudgets, warn: Warn): void {
  for (const [index, { rolling, per, time_zone: zone }] of budgets.entries()) {
    const isEndless = per === "total" || per === "session" || per === "subagent";
    const isCalendar = rolling === undefined && !isEndless;
    if (zone === undefined || isCalendar) continue;
    const period = rolling === undefined ? `per: ${per}` : `rolling: ${rolling}`;
    warn(
      [...path, index, "time_zone"],
      `${shown(zone)} has no effect with ${period}: leave it out`,
    );
  }
}

function warnOfSmallCaps(config: Config, smallestCap: SmallestCap, warn: Warn): void {
  const advice = createAdvice(smallestCap);
  const check = (path: Path, budgets: readonly BudgetConfig[], models: Models): void => {
    for (const [index, { usd }] of budgets.entries()) {
      const least = advice(models);
      if (least === null || usd >= least) continue;
      const message =
        `"${formatUsd(usd)}" is small for the models that it allows: below ${formatUsd(least)} ` +
        "a part of it cannot be spent";
      warn([...path, index, "usd"], message);
    }
  };
  const allowed = modelsByScope(config);
  for (const [index, { id, budgets }] of config.customers.entries()) {
    check(["customers", index, "budgets"], budgets, allowed.customers.get(id) ?? ALL_MODELS);
  }
  for (const [index, { id, budgets }] of config.teams.entries()) {
    check(["teams", index, "budgets"], budgets, allowed.teams.get(id) ?? ALL_MODELS);
  }
  for (const [index, { id, budgets }] of config.owners.entries()) {
    check(["owners", index, "budgets"], budgets, allowed.owners.get(id) ?? ALL_MODELS);
  }
  for (const [index, key] of config.virtualKeys.entries()) {
    check(["virtual_keys", index, "budgets"], key.budgets, modelsOf(key));
    for (const [at, provider] of (key.providers ?? []).entries()) {
      const path = ["virtual_keys", index, "providers", at, "budgets"];
      check(
        path,
        provider.budgets,
        provider.models === null ? ALL_MODELS : new Set(provider.models),
      );
    }
  }
}

/** Globs over model ids; `ALL_MODELS` holds none and stands for every model. */
type Models = ReadonlySet<string> | null;
const ALL_MODELS: Models = null;

/** Asks `smallestCap` once for each set of models: ten thousand keys share a few. */
function createAdvice(smallestCap: SmallestCap): (models: Models) => NanoUsd | null {
  const known = new Map<string, NanoUsd | null>();
  return (models) => {
    if (models?.size === 0) return null;
    const list = models === null ? null : [...models].toSorted();
    const name = JSON.stringify(list);
    const before = known.get(name);
    if (before !== undefined) return before;
    const advice = smallestCap(list);
    known.set(name, advice);
    return advice;
  };
}

function modelsOf(key: VirtualKeyConfig): Models {
  const lists = key.providers?.map((provider) => provider.models) ?? [null];
  return lists.includes(null) ? ALL_MODELS : new Set(lists.flatMap((list) => list ?? []));
}

/** What the keys below a scope allow together; a scope without keys is not in the map. */
function modelsByScope(config: Config) {
  const customerOfTeam = new Map<string, TeamConfig>(config.teams.map((team) => [team.id, team]));
  const customers = new Map<string, Set<string> | null>();
  const teams = new Map<string, Set<string> | null>();
  const owners = new Map<string, Set<string> | null>();
  for (const key of config.virtualKeys) {
    const models = modelsOf(key);
    const customer = customerOfTeam.get(key.team)?.customer;
    unite(teams, key.team, models);
    if (customer !== undefined) unite(customers, customer, models);
    if (key.owner !== null) unite(owners, key.owner, models);
  }
  return { customers, teams, owners };
}

function unite(scopes: Map<string, Set<string> | null>, id: string, models: Models): void {
  const before = scopes.get(id);
  if (before === null) return;
  if (models === null) scopes.set(id, null);
  else if (before === undefined) scopes.set(id, new Set(models));
  else for (const model of models) before.add(model);
}
