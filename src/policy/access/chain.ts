/** What the scopes of a chain let requests be, compiled once for all keys that share them. */
import {
  ACCESS_LISTS,
  type AccessConfig,
  type AccessHours,
  type AccessListName,
} from "../../config/access-config.ts";
import type { Config } from "../../config/config.ts";
import type { PlanLevel } from "../plan.ts";
import { wallClock } from "./hours.ts";
import { type CompiledList, type CompiledLists, createListCompiler } from "./matcher.ts";

export interface AccessLevel {
  /** "team/platform"; "gateway" for the file's top level. */
  readonly name: string;
  /** For people: "team platform". */
  readonly title: string;
  /** Where its rules stand: "teams[platform].access". */
  readonly path: string;
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

/**
 * Compiles the chains of a configuration's keys. Scopes are compiled once; keys without rules of their own
 * share the chain of what is above them. Null: no scope says anything.
 */
export function createAccessCompiler({
  mode,
  access,
}: Pick<Config, "mode" | "access">): (levels: readonly PlanLevel[]) => AccessChain | null {
  const compileLevel = createLevelCompiler();
  const gateway = { name: "gateway", title: "the gateway", path: "access" };
  const allObserved = isObserved(mode);
  const root = access === null ? null : chainOf([compileLevel(gateway, access, allObserved)]);
  const chains = new Map<string, AccessChain>();
  return (levels) => {
    let chain = root;
    let observed = allObserved;
    for (const { scope, governance } of levels) {
      observed ||= isObserved(governance.mode);
      if (governance.access === null) continue;
      const name = `${scope.type}/${scope.id}`;
      const known = chains.get(name);
      const [section = "", noun = ""] = SECTIONS[scope.type] ?? [];
      const place = { name, title: `${noun} ${scope.id}`, path: `${section}[${scope.id}].access` };
      chain = known ?? extended(chain, compileLevel(place, governance.access, observed));
      if (known === undefined) chains.set(name, chain);
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
  return (
    place: Pick<AccessLevel, "name" | "title" | "path">,
    { lists, hours }: AccessConfig,
    observed: boolean,
  ): AccessLevel => ({
    ...place,
    lists: compileLists(lists),
    hours: hours === null ? null : { ...hours, clock: clockOf(hours.timeZone) },
    observed,
  });
}

function extended(chain: AccessChain | null, level: AccessLevel): AccessChain {
  return chainOf([...(chain?.levels ?? []), level]);
}

function chainOf(levels: readonly AccessLevel[]): AccessChain {
  return {
    levels,
    enforced: rulesOf(levels.filter(({ observed }) => !observed)),
    observed: rulesOf(levels.filter(({ observed }) => observed)),
  };
}

function rulesOf(levels: readonly AccessLevel[]): AccessRules | null {
  if (levels.length === 0) return null;
  const lists = ACCESS_LISTS.flatMap((name) => {
    const named = levels.flatMap((level) => {
      const list = level.lists[name];
      return list === undefined ? [] : [{ level, list }];
    });
    return named.length === 0 ? [] : [[name, named] as const];
  });
  return {
    lists: Object.fromEntries(lists),
    hours: levels.filter(({ hours }) => hours !== null),
  };
}
