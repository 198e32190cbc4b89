/** Faults of `access` that several values make together, and what of it is legal but hardly meant. */
import { ACCESS_LISTS } from "./access-config.ts";
import { isOwn } from "./added.ts";
import type { Checking } from "./check.ts";
import { type Draft, isWritten, itemsOf } from "./draft.ts";
import type { FileAccess } from "./access-schema.ts";
import type { Path } from "./fault.ts";
import { isToolName, TOOL_FAMILIES } from "./tool-families.ts";
import type { ConfigFile } from "./schema.ts";
import { shown } from "./secrecy.ts";

const SCOPES = ["customers", "teams", "owners", "virtual_keys"] as const;
const WILDCARD = /[*?]/;

interface Place {
  readonly path: Path;
  readonly access: Draft<FileAccess>;
}

/** Providers and tools that do not exist, and stretches of the day that are none. */
export function checkAccess(checking: Checking): void {
  const providers = new Map<string, number>();
  for (const [index, { id }] of itemsOf(checking.draft.providers))
    if (id !== undefined) providers.set(id, index);
  for (const place of placesOf(checking.draft)) {
    checkProviders(checking, place, providers);
    checkTools(checking, place);
    checkHours(checking, place);
  }
}

type FileWithAccess = Pick<Checking["draft"], (typeof SCOPES)[number] | "access">;

function* placesOf(draft: FileWithAccess): Generator<Place> {
  if (draft.access !== undefined) yield { path: ["access"], access: draft.access };
  for (const section of SCOPES) {
    for (const [index, { access }] of itemsOf<{ access?: Place["access"] | undefined }>(
      draft[section],
    ))
      if (access !== undefined) yield { path: [section, index, "access"], access };
  }
}

function* patternsOf(
  { path, access }: Place,
  name: "providers" | "server_tools",
): Generator<[Path, string]> {
  for (const side of ["allow", "deny"] as const) {
    const list: readonly (string | undefined)[] | undefined = access[name]?.[side];
    for (const [index, pattern] of itemsOf(list)) yield [[...path, name, side, index], pattern];
  }
}

function checkProviders(
  { draft, own, suggester, report }: Checking,
  place: Place,
  providers: ReadonlyMap<string, number>,
): void {
  if (draft.providers === undefined && isWritten(draft, "providers")) return;
  for (const [path, id] of patternsOf(place, "providers")) {
    const found = providers.get(id);
    if (found !== undefined) {
      // The file stands on its own: it is read alone where there is no gateway to ask.
      if ((path[0] === "access" || isOwn(path, own)) && !isOwn(["providers", found], own))
        report(
          path,
          `provider ${shown(id)} was made through the API: the file can refer only to its own`,
        );
    } else if (!WILDCARD.test(id)) {
      const remedy = suggester.remedy(id, [...providers.keys()]) || "add it under providers";
      report(path, `no provider has the id ${shown(id)}: ${remedy}`);
    }
  }
}

function checkTools({ suggester, report }: Checking, place: Place): void {
  for (const [path, name] of patternsOf(place, "server_tools")) {
    if (WILDCARD.test(name) || isToolName(name)) continue;
    const remedy = suggester.remedy(name, TOOL_FAMILIES);
    report(path, `no server tool is called ${shown(name)}: ${remedy}`);
  }
}

function checkHours({ report }: Checking, { path, access }: Place): void {
  for (const side of ["allow", "deny"] as const) {
    for (const [index, { from, to }] of itemsOf(access.hours?.[side])) {
      if (from === undefined || from !== to) continue;
      const message = `is ${shown(to)}, where it begins: write from "00:00" to "24:00" for the whole day`;
      report([...path, "hours", side, index, "to"], message);
    }
  }
}

/** Of these a request has always one: a list that allows none leaves nothing. */
const ALWAYS_THERE: ReadonlySet<string> = new Set([
  "models",
  "providers",
  "networks",
  "dialects",
  "task_types",
]);

type Warn = (path: Path, message: string) => unknown;

/** Lists that leave no request to be served. */
export function warnOfEmptyAccess(file: ConfigFile, warn: Warn): void {
  const message = "is empty, so every request is refused: leave it out for all";
  for (const place of placesOf(file)) {
    const { path, access } = place;
    for (const name of ACCESS_LISTS)
      if (ALWAYS_THERE.has(name) && access[name]?.allow?.length === 0)
        warn([...path, name, "allow"], message);
    if (access.hours?.allow?.length === 0) warn([...path, "hours", "allow"], message);
    warnOfNoDays(place, warn);
  }
}

function warnOfNoDays({ path, access }: Place, warn: Warn): void {
  for (const side of ["allow", "deny"] as const)
    for (const [index, { days }] of itemsOf(access.hours?.[side]))
      if (days?.length === 0)
        warn([...path, "hours", side, index, "days"], "is empty, so it holds on no day");
}
