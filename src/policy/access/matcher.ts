/** Compiles the lists of `access`: each pattern once, however many scopes write it. */
import type { AccessConfig, AccessList, AccessListName } from "../../config/access-config.ts";
import { networkMatcher } from "../../config/network.ts";
import { toolFamily } from "../../config/tool-families.ts";
import { claudeIdOf } from "../../pricing/reseller.ts";
import { modelMatcher } from "../models.ts";

/** Claims of a value that one pattern names it. */
type Matcher = (value: string) => boolean;

export interface CompiledList {
  /** What it was made of. */
  readonly list: AccessList;
  /** What it said of values before. */
  readonly known: Map<string, ListVerdict>;
  /** Null: everything. */
  readonly allow: readonly Matcher[] | null;
  readonly deny: readonly Matcher[];
}

export type CompiledLists = { readonly [Name in AccessListName]?: CompiledList };

/** What a list says of a value, and by which of its patterns; index null: by none of `side`. */
export interface ListVerdict {
  readonly allowed: boolean;
  readonly side: "allow" | "deny";
  readonly index: number | null;
}

/** Clients choose the values: what is remembered must not grow with their fantasy. */
const KNOWN_MAX = 256;
const KNOWN_CHARACTERS_MAX = 256;

/** Compiles lists; equal ones are shared for as long as the compiler is kept. */
export function createListCompiler(): (lists: AccessConfig["lists"]) => CompiledLists {
  const known = new Map<string, Matcher>();
  const matcher = (name: AccessListName, pattern: string): Matcher => {
    const key = `${name} ${pattern}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const made = matcherOf(name, pattern);
    known.set(key, made);
    return made;
  };
  const compiled = (name: AccessListName, list: AccessList): CompiledList => {
    const all = (patterns: readonly string[]) => patterns.map((one) => matcher(name, one));
    const allow = list.allow === null ? null : all(list.allow);
    const isBound = name === "headers" && allow !== null;
    return {
      list,
      known: new Map(),
      allow: isBound ? [...allow, isPlainHeader] : allow,
      deny: all(list.deny),
    };
  };
  const shared = new Map<string, CompiledList>();
  const sharedList = (name: AccessListName, list: AccessList): CompiledList => {
    const key = JSON.stringify([name, list.allow, list.deny]);
    const before = shared.get(key) ?? compiled(name, list);
    shared.set(key, before);
    return before;
  };
  return (lists) =>
    Object.fromEntries(
      Object.entries(lists).map(([name, list]) => [name, sharedList(name as AccessListName, list)]),
    );
}

/** Deny wins; without `allow` all the rest is allowed. */
export function verdictOn(compiled: CompiledList, value: string): ListVerdict {
  const { known } = compiled;
  const before = known.get(value);
  if (before !== undefined) return before;
  const verdict = judged(compiled, value);
  if (value.length > KNOWN_CHARACTERS_MAX) return verdict;
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(value, verdict);
  return verdict;
}

function judged({ list, allow, deny }: CompiledList, value: string): ListVerdict {
  for (let index = 0; index < deny.length; index++)
    if (deny[index]?.(value) === true) return { allowed: false, side: "deny", index };
  if (allow === null) return UNDENIED;
  const index = allow.findIndex((matches) => matches(value));
  if (index < 0) return UNNAMED;
  return { allowed: true, side: "allow", index: index < (list.allow ?? []).length ? index : null };
}

/** What a list says of a value that cannot be read: it may be any. */
export function verdictOnHidden({ list }: CompiledList): ListVerdict {
  if (list.deny.length > 0) return { allowed: false, side: "deny", index: 0 };
  if (list.allow === null) return UNDENIED;
  const index = list.allow.indexOf("*");
  return index < 0 ? UNNAMED : { allowed: true, side: "allow", index };
}

const UNDENIED: ListVerdict = { allowed: true, side: "deny", index: null };
const UNNAMED: ListVerdict = { allowed: false, side: "allow", index: null };

function matcherOf(name: AccessListName, pattern: string): Matcher {
  switch (name) {
    case "models": {
      const matches = modelMatcher([pattern]);
      // Clouds write a Claude's name in ways of their own.
      return (model) => matches(model) || matches(claudeIdOf(model) ?? model);
    }
    case "networks":
      return networkMatcher(pattern);
    case "server_tools": {
      const matches = globMatcher(pattern);
      return (type) => matches(type) || matches(toolFamily(type));
    }
    case "betas":
    case "headers": {
      const matches = globMatcher(pattern.toLowerCase());
      return (value) => matches(value.toLowerCase());
    }
    case "providers":
    case "dialects":
    case "task_types":
      return globMatcher(pattern);
  }
}

function globMatcher(pattern: string): Matcher {
  if (!/[*?]/.test(pattern)) return (value) => value === pattern;
  const literal = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  const text = literal.replace(/\*+/g, ".*").replace(/\?/g, ".");
  const expression = new RegExp(`^${text}$`, "s");
  return (value) => expression.test(value);
}

/** What HTTP, proxies and the API itself need is no header that an `allow` has to name. */
const PLAIN_HEADERS: ReadonlySet<string> = new Set([
  "accept",
  "accept-encoding",
  "accept-language",
  "anthropic-beta",
  "anthropic-version",
  "authorization",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "expect",
  "forwarded",
  "host",
  "keep-alive",
  "te",
  "traceparent",
  "tracestate",
  "transfer-encoding",
  "user-agent",
  "via",
  "x-api-key",
  "x-real-ip",
]);

function isPlainHeader(name: string): boolean {
  return PLAIN_HEADERS.has(name) || name.startsWith("x-forwarded-");
}
