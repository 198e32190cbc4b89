/** Under which name, through which door and at which address a provider is asked for a model. */
import { familyOf } from "./families.ts";
import { matchesGlob } from "./glob.ts";
import type { DoorRow, ProviderRow } from "./row.ts";

/** A name that clients ask for, or a glob over such, and the provider's own name for it. */
interface Mapping {
  readonly from: string;
  readonly to: string;
}

/** What the file says about one provider, as far as addresses depend on it. */
type Settings = Readonly<Record<string, string>>;

const WINDOW_SUFFIX = "[1m]";

/**
 * The provider's own name of a model that a client asks for: the file's mapping first, an exact name
 * before a glob, then the catalogue's names, with a date or `[1m]` aside, then the name as it is.
 *
 * @param modelMap In the file's order.
 * @returns Null where this provider certainly does not serve it.
 */
export function upstreamModel(
  row: ProviderRow,
  modelMap: readonly Mapping[],
  asked: string,
): string | null {
  const names = namesOf(asked);
  const mapped = mappedName(modelMap, names);
  if (mapped !== null) return mapped;
  const ids = idsOf(row);
  for (const name of names) {
    const id = ids.get(name);
    if (id !== undefined) return id;
  }
  const family = familyOf(asked);
  if (family !== null && row.families !== null && !row.families.includes(family)) return null;
  return row.asksAsWritten === true ? asked : (names[1] ?? asked);
}

/** As asked, without `[1m]`, and without a date too. */
function namesOf(asked: string): readonly [string, string, string] {
  const bare = asked.endsWith(WINDOW_SUFFIX) ? asked.slice(0, -WINDOW_SUFFIX.length) : asked;
  return [asked, bare, bare.replace(/-\d{8}$/, "")];
}

function mappedName(modelMap: readonly Mapping[], names: readonly string[]): string | null {
  for (const name of names) {
    const exact = modelMap.find(({ from }) => from === name);
    if (exact !== undefined) return exact.to;
  }
  const fitting = modelMap.find(({ from }) => names.some((name) => matchesGlob(from, name)));
  return fitting?.to ?? null;
}

const idsByRow = new WeakMap<ProviderRow, ReadonlyMap<string, string>>();

/** Ids and aliases of a row's models; an id is never hidden by an alias. */
function idsOf(row: ProviderRow): ReadonlyMap<string, string> {
  const known = idsByRow.get(row);
  if (known !== undefined) return known;
  const ids = new Map(row.models.flatMap(({ id, aliases }) => aliases.map((name) => [name, id])));
  for (const { id } of row.models) ids.set(id, id);
  idsByRow.set(row, ids);
  return ids;
}

/**
 * The door through which a model goes.
 *
 * @param doorId The one that the file names; null: the first of the row that fits.
 * @param model The provider's own name.
 * @returns Null where no door serves the model, or the row has none of that name.
 */
export function doorFor(row: ProviderRow, doorId: string | null, model: string): DoorRow | null {
  const fits = ({ models }: DoorRow): boolean =>
    models === null || models.some((glob) => matchesGlob(glob, model));
  if (doorId === null) return row.doors.find(fits) ?? null;
  const door = row.doors.find(({ id }) => id === doorId);
  return door !== undefined && (door.models?.length === 0 || fits(door)) ? door : null;
}

/**
 * Where the provider is: scheme, host and prefix, without a trailing slash.
 *
 * @param override The file's `base_url`; null: the catalogue's, with the settings filled in.
 * @returns Null where neither names one, or a setting is missing.
 */
export function baseUrlOf(
  row: ProviderRow,
  override: string | null,
  settings: Settings,
): string | null {
  if (override !== null) return override;
  const special = row.baseUrlCases?.find(({ setting, value }) => settings[setting] === value);
  const template = special?.baseUrl ?? row.baseUrl;
  return template === null ? null : filled(template, settings, encodeURIComponent);
}

/**
 * A door's path with query, below the base URL: `{model}` and settings filled in, percent-encoded.
 *
 * @returns Null where a setting is missing.
 */
export function pathOf(template: string, settings: Settings, model: string): string | null {
  return filled(template, { ...settings, model }, encodeURIComponent);
}

/**
 * What a door sends with every request, names in lower case.
 *
 * @returns Null where a setting is missing.
 */
export function doorHeaders(door: DoorRow, settings: Settings): Record<string, string> | null {
  const headers: Record<string, string> = {};
  for (const [name, template] of Object.entries(door.headers)) {
    const value = filled(template, settings, String);
    if (value === null) return null;
    headers[name] = value;
  }
  return headers;
}

/** Whether the provider's regional prices apply with these settings. */
export function hasRegionalPremium(row: ProviderRow, settings: Settings): boolean {
  const premium = row.regionalPremium;
  const value = premium === undefined ? undefined : settings[premium.setting];
  return value !== undefined && value !== premium?.except;
}

/** Names in braces of a template. */
export function namesIn(template: string): string[] {
  return [...template.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
}

function filled(
  template: string,
  values: Settings,
  write: (value: string) => string,
): string | null {
  if (namesIn(template).some((name) => !Object.hasOwn(values, name))) return null;
  return template.replace(/\{(\w+)\}/g, (_, name: string) => write(values[name] ?? ""));
}
