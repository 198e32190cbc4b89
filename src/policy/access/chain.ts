/** What the scopes of a chain let requests be, compiled once for all keys that share them. */
import type { AccessConfig, AccessHours, AccessListName } from "../../config/access-config.ts";
import type { Config } from "../../config/config.ts";
import type { Scope } from "../../core/span.ts";
import type { PlanLevel } from "../plan.ts";
import { wallClock } from "./hours.ts";
import { type CompiledList, type CompiledLists, createListCompiler } from "./matcher.ts";

export interface AccessLevel {
  /** Null: the file's top level. */
  readonly scope: Scope | null;
  readonly lists: CompiledLists;
  readonly hours: (AccessHours & { readonly clock: ReturnType<typeof wallClock> }) | null;
  /** Its rules are followed on paper alone. */
  readonly observed: boolean;
}

/** Rules of several levels, those of one list together. Outermost first. */
export interface AccessRules {
  readonly lists: { readonly [Name in AccessListName]?: readonly LevelList[] };
  readonly hours: readonly AccessLevel[];
}

export interface LevelList {
  readonly level: AccessLevel;
  readonly list: CompiledList;
}

export interface AccessChain {
  /** Those that say something, outermost first. */
  readonly levels: readonly AccessLevel[];
  /** Null: none refuses. */
  readonly enforced: AccessRules | null;
  /** Null: none is on paper alone. */
  readonly observed: AccessRules | null;
}

const SECTIONS: Readonly<Record<string, readonly [section: string, noun: string]>> = {
  customer: ["customers", "customer"],
  team: ["teams", "team"],
  owner: ["owners", "owner"],
  virtual_key: ["virtual_keys", "key"],
};

/** "team/platform"; "gateway" for the file's top level. */
export function nameOf({ scope }: Pick<AccessLevel, "scope">): string {
  return scope === null ? "gateway" : `${scope.type}/${scope.id}`;
}

/** For people: "team platform". */
export function titleOf({ scope }: AccessLevel): string {
  if (scope === null) return "the gateway";
  return `${SECTIONS[scope.type]?.[1] ?? scope.type} ${scope.id}`;
}

/** Where its rules stand: "teams[platform].access". */
export function pathOf({ scope }: AccessLevel): string {
  if (scope === null) return "access";
  return `${SECTIONS[scope.type]?.[0] ?? scope.type}[${scope.id}].access`;
}

/**
 * Compiles the chains of a configuration's keys. Scopes are compiled once; keys without rules of their own
 * share the chain of what is above them. Null: no scope says anything.
 */
export function createAccessCompiler({
  mode,
  access,
}: Pick<Config, "mode" | "access">): (levels: readonly PlanLevel[]) => AccessChain | null {
  const compileLevel = createLevelCompiler();
  const allObserved = isObserved(mode);
  const root = access === null ? null : extended(null, compileLevel(null, access, allObserved));
  const shared = new Map<string, AccessChain>();
  return (levels) => {
    let chain = root;
    let observed = allObserved;
    for (const { scope, governance } of levels) {
      observed ||= isObserved(governance.mode);
      if (governance.access === null) continue;
      const name = nameOf({ scope });
      const known = shared.get(name);
      chain = known ?? extended(chain, compileLevel(scope, governance.access, observed));
      // A key is the end of its chain alone.
      if (known === undefined && scope.type !== "virtual_key") shared.set(name, chain);
    }
    return chain;
  };
}

/** Whether a scope of this mode, and what is below it, follows its rules on paper alone. */
function isObserved(mode: Config["mode"] | null): boolean {
  return mode === "observe";
}

function createLevelCompiler() {
  const compileLists = createListCompiler();
  const clocks = new Map<string, ReturnType<typeof wallClock>>();
  const clockOf = (zone: string) => {
    const clock = clocks.get(zone) ?? wallClock(zone);
    clocks.set(zone, clock);
    return clock;
  };
  return (scope: Scope | null, { lists, hours }: AccessConfig, observed: boolean): AccessLevel => ({
    scope,
    lists: compileLists(lists),
    hours: hours === null ? null : { ...hours, clock: clockOf(hours.timeZone) },
    observed,
  });
}

function extended(chain: AccessChain | null, level: AccessLevel): AccessChain {
  const { levels, enforced, observed } = chain ?? NO_CHAIN;
  return {
    levels: [...levels, level],
    enforced: level.observed ? enforced : withLevel(enforced, level),
    observed: level.observed ? withLevel(observed, level) : observed,
  };
}

const NO_CHAIN: AccessChain = { levels: [], enforced: null, observed: null };

/** Lists about which the level says nothing stay shared. */
function withLevel(rules: AccessRules | null, level: AccessLevel): AccessRules {
  const { lists, hours } = rules ?? { lists: {}, hours: [] };
  const longer = Object.entries(level.lists).map(([name, list]) => [
    name,
    [...(lists[name as AccessListName] ?? []), { level, list }],
  ]);
  return {
    lists: { ...lists, ...(Object.fromEntries(longer) as AccessRules["lists"]) },
    hours: level.hours === null ? hours : [...hours, level],
  };
}
