/** Judges what a request is by the rules of its scopes: each must allow, and any denial refuses. */
import { ACCESS_LISTS, type AccessListName } from "../../config/access-config.ts";
import { type AccessLevel, type AccessRules, pathOf } from "./chain.ts";
import { hoursText, isWithin, wallText } from "./hours.ts";
import { type CompiledList, type ListVerdict, verdictOn, verdictOnHidden } from "./matcher.ts";

/** What rules can be about. */
export type AccessSubject = AccessListName | "hours";

/** A rule that says no. */
export interface Objection {
  readonly about: AccessSubject;
  /** What is not allowed; null: what cannot be read. */
  readonly value: string | null;
  readonly level: AccessLevel;
  /** "teams[platform].access.models.deny[0]: claude-fable-*". */
  readonly rule: string;
}

/** What a request is, list by list, read only where a rule asks. Left out: no rule of that list applies. */
export interface Asked {
  readonly values: { readonly [Name in AccessListName]?: () => readonly string[] };
  /** Lists of which the request may have any value, unseen. */
  readonly hidden: readonly AccessListName[];
  /** Unix milliseconds; null: hours do not apply. */
  readonly atMs: number | null;
}

const PATTERNS_SHOWN_MAX = 5;

/** The first rule that says no, in the order of the lists, and the outermost scope's; null: none does. */
export function objectionTo(rules: AccessRules, asked: Asked): Objection | null {
  for (const about of ACCESS_LISTS) {
    if (rules.lists[about] === undefined) continue;
    if (asked.hidden.includes(about)) {
      const objection = objectionToHidden(rules, about);
      if (objection !== null) return objection;
    }
    for (const value of asked.values[about]?.() ?? []) {
      const objection = objectionToValue(rules, about, value);
      if (objection !== null) return objection;
    }
  }
  return asked.atMs === null ? null : objectionToTime(rules, asked.atMs);
}

/** The outermost scope's rule that denies the value; null: every scope allows it. */
export function objectionToValue(
  rules: AccessRules,
  about: AccessListName,
  value: string,
): Objection | null {
  for (const { level, list } of rules.lists[about] ?? []) {
    const verdict = verdictOn(list, value);
    if (!verdict.allowed)
      return { about, value, level, rule: ruleText(level, about, list, verdict) };
  }
  return null;
}

/** Whether every scope allows the value. */
export function allowsValue(rules: AccessRules, about: AccessListName, value: string): boolean {
  return (rules.lists[about] ?? []).every(({ list }) => verdictOn(list, value).allowed);
}

function objectionToHidden(rules: AccessRules, about: AccessListName): Objection | null {
  for (const { level, list } of rules.lists[about] ?? []) {
    const verdict = verdictOnHidden(list);
    if (!verdict.allowed)
      return { about, value: null, level, rule: ruleText(level, about, list, verdict) };
  }
  return null;
}

function objectionToTime(rules: AccessRules, atMs: number): Objection | null {
  for (const level of rules.hours) {
    if (isOpen(level, atMs)) continue;
    const { value, rule } = verdictOnTime(level, atMs);
    return { about: "hours", value, level, rule: rule ?? "" };
  }
  return null;
}

function isOpen({ hours }: AccessLevel, atMs: number): boolean {
  if (hours === null) return true;
  const wall = hours.clock(atMs);
  const { allow, deny } = hours;
  if (deny.some((stretch) => isWithin(stretch, wall))) return false;
  return allow === null || allow.some((stretch) => isWithin(stretch, wall));
}

/** What one level says of one thing. */
export interface LevelVerdict {
  readonly allowed: boolean;
  readonly value: string;
  /** Which of its rules says so; null: it has none about that. */
  readonly rule: string | null;
}

/** What a level says of a value of one of the lists. */
export function verdictOnValue(
  level: AccessLevel,
  about: AccessListName,
  value: string,
): LevelVerdict {
  const list = level.lists[about];
  if (list === undefined) return { allowed: true, value, rule: null };
  const verdict = verdictOn(list, value);
  return { allowed: verdict.allowed, value, rule: ruleText(level, about, list, verdict) };
}

/** What a level says of a moment. */
export function verdictOnTime(level: AccessLevel, atMs: number): LevelVerdict {
  const { hours } = level;
  if (hours === null) return { allowed: true, value: "", rule: null };
  const path = pathOf(level);
  const wall = hours.clock(atMs);
  const value = wallText(wall, hours);
  const { allow, deny } = hours;
  const at = (side: "allow" | "deny", index: number) => {
    const stretch = hours[side]?.[index];
    return `${path}.hours.${side}[${index}]: ${stretch === undefined ? "" : hoursText(stretch)}`;
  };
  const denied = deny.findIndex((stretch) => isWithin(stretch, wall));
  if (denied >= 0) return { allowed: false, value, rule: at("deny", denied) };
  if (allow === null) return { allowed: true, value, rule: `${path}.hours.deny: none of it` };
  const allowed = allow.findIndex((stretch) => isWithin(stretch, wall));
  if (allowed >= 0) return { allowed: true, value, rule: at("allow", allowed) };
  return { allowed: false, value, rule: `${path}.hours.allow: ${shortList(allow.map(hoursText))}` };
}

function ruleText(
  level: AccessLevel,
  about: AccessListName,
  { list }: CompiledList,
  { allowed, side, index }: ListVerdict,
): string {
  const place = `${pathOf(level)}.${about}.${side}`;
  if (index !== null) return `${place}[${index}]: ${list[side]?.[index] ?? ""}`;
  if (!allowed) return `${place}: ${shortList(list.allow ?? [])}`;
  return side === "deny" ? `${place}: none of it` : `${place}: always allowed`;
}

function shortList(patterns: readonly string[]): string {
  if (patterns.length === 0) return "nothing";
  const more = patterns.length - PATTERNS_SHOWN_MAX;
  const shown = patterns.slice(0, PATTERNS_SHOWN_MAX).join(", ");
  return more > 0 ? `${shown} and ${more} more` : shown;
}
