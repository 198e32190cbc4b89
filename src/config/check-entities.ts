/** Ids are unique, and every id that is referred to exists and agrees. */
import { type EntitySection, isOwn } from "./added.ts";
import type { Checking } from "./check.ts";
import { isWritten, itemsOf } from "./draft.ts";
import type { Path } from "./fault.ts";
import { checkProvider } from "./check-provider.ts";
import { shown } from "./secrecy.ts";

interface Section {
  readonly noun: string;
  readonly name: EntitySection;
  /** Ids, and where each stands. */
  readonly ids: ReadonlyMap<string, number>;
  /** False where the list itself is faulty: no id can be called missing then. */
  readonly isWhole: boolean;
}

export function checkEntities(checking: Checking): void {
  const { draft } = checking;
  const section = (noun: string, name: EntitySection): Section => {
    const list = draft[name];
    const isWhole = list !== undefined || !isWritten(draft, name);
    return { noun, name, ids: uniqueIds(checking, { noun, path: [name], list }), isWhole };
  };
  const providers = section("provider", "providers");
  const customers = section("customer", "customers");
  const teams = section("team", "teams");
  section("owner", "owners");
  section("virtual key", "virtual_keys");
  checkProviders(checking);
  for (const [index, team] of itemsOf(draft.teams)) {
    checkReference(checking, customers, { path: ["teams", index, "customer"], id: team.customer });
  }
  for (const [index, owner] of itemsOf(draft.owners)) {
    checkReference(checking, teams, { path: ["owners", index, "team"], id: owner.team });
  }
  checkVirtualKeys(checking, { teams, providers });
}

/** Reports ids that are there twice; returns them all, each with the index of its first. */
function uniqueIds(
  { lineOf, report }: Checking,
  of: {
    readonly noun: string;
    readonly path: Path;
    readonly list: readonly ({ readonly id?: string | undefined } | undefined)[] | undefined;
  },
): Map<string, number> {
  const seen = new Map<string, number>();
  for (const [index, { id }] of itemsOf(of.list)) {
    const first = id === undefined ? undefined : seen.get(id);
    if (id === undefined) continue;
    if (first === undefined) seen.set(id, index);
    else {
      const line = lineOf([...of.path, first, "id"]);
      const message = `duplicate id ${shown(id)}: give this ${of.noun} another, the first is at line ${line}`;
      report([...of.path, index, "id"], message);
    }
  }
  return seen;
}

/** The file stands on its own: it is read alone where there is no gateway to ask. */
function checkReference(
  { own, suggester, report }: Checking,
  section: Section,
  reference: { readonly path: Path; readonly id: string | undefined },
): void {
  const { id, path } = reference;
  if (id === undefined || !section.isWhole) return;
  const { noun, name, ids } = section;
  const found = ids.get(id);
  if (found === undefined) {
    const remedy = suggester.remedy(id, [...ids.keys()]);
    report(path, `no ${noun} has the id ${shown(id)}: ${remedy || `add it under ${name}`}`);
  } else if (isOwn(path, own) && !isOwn([name, found], own)) {
    const message = `${noun} ${shown(id)} was made through the API: the file can refer only to its own`;
    report(path, message);
  }
}

function checkProviders(checking: Checking): void {
  const { draft, knownKinds, suggester, report } = checking;
  for (const [index, provider] of itemsOf(draft.providers)) {
    const path = ["providers", index];
    const { kind, keys } = provider;
    uniqueIds(checking, { noun: "key", path: [...path, "keys"], list: keys });
    if (kind === undefined) continue;
    if (knownKinds.includes(kind)) checkProvider(checking, path, provider);
    else
      report(
        [...path, "kind"],
        `no kind of provider is called ${shown(kind)}: ${suggester.remedy(kind, knownKinds)}`,
      );
  }
}

function checkVirtualKeys(
  checking: Checking,
  sections: { readonly teams: Section; readonly providers: Section },
): void {
  const { draft, report, lineOf } = checking;
  const ownerIndices = new Map<string, number>();
  for (const [index, { id }] of itemsOf(draft.owners))
    if (id !== undefined) ownerIndices.set(id, index);
  for (const [index, key] of itemsOf(draft.virtual_keys)) {
    const path = ["virtual_keys", index];
    checkReference(checking, sections.teams, { path: [...path, "team"], id: key.team });
    checkKeyProviders(checking, sections.providers, { path, list: key.providers });
    const ownerIndex = ownerIndices.get(key.owner ?? "");
    const ownerTeam = ownerIndex === undefined ? undefined : draft.owners?.[ownerIndex]?.team;
    if (ownerIndex === undefined || ownerTeam === undefined || key.team === undefined) continue;
    // A team that does not exist has been told already.
    if (ownerTeam === key.team || !sections.teams.ids.has(key.team)) continue;
    const line = lineOf(["owners", ownerIndex, "team"]);
    const message =
      `owner ${shown(key.owner)} is in team ${shown(ownerTeam)} (line ${line}), this key in ` +
      `${shown(key.team)}: make them agree`;
    report([...path, "owner"], message);
  }
}

function checkKeyProviders(
  checking: Checking,
  providers: Section,
  of: {
    readonly path: Path;
    readonly list: readonly ({ readonly id?: string | undefined } | undefined)[] | undefined;
  },
): void {
  const seen = new Set<string>();
  for (const [index, { id }] of itemsOf(of.list)) {
    const path = [...of.path, "providers", index, "id"];
    checkReference(checking, providers, { path, id });
    if (id === undefined) continue;
    if (seen.has(id)) {
      checking.report(
        path,
        `provider ${shown(id)} is in this key twice: make one entry of the two`,
      );
    }
    seen.add(id);
  }
}
