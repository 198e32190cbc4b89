/** What of a configuration refers to an entity, and so keeps it from being removed. */
import type { Config, TeamConfig, VirtualKeyConfig } from "../config/config.ts";
import type { EntityKind } from "../identity/made.ts";

const NAMED_MAX = 5;

/** "teams a, b; virtual keys c, d and 7 more"; null where nothing does. */
export function dependentsOf(config: Config, kind: EntityKind, id: string): string | null {
  const groups = groupsOf(config, kind, id).filter(([, ids]) => ids.length > 0);
  return groups.length === 0 ? null : groups.map(([noun, ids]) => textOf(noun, ids)).join("; ");
}

type Group = readonly [noun: string, ids: readonly string[]];

function groupsOf(config: Config, kind: EntityKind, id: string): readonly Group[] {
  const { teams, owners, virtualKeys } = config;
  switch (kind) {
    case "customer":
      return [["team", idsOf(teams.filter(({ customer }) => customer === id))]];
    case "team":
      return [
        ["owner", idsOf(owners.filter(({ team }) => team === id))],
        ["virtual key", idsOf(virtualKeys.filter(({ team }) => team === id))],
      ];
    case "provider": {
      const names = ({ governance }: Pick<TeamConfig, "governance">) =>
        namesProvider(governance, id);
      const uses = (key: VirtualKeyConfig) =>
        key.providers?.some((each) => each.id === id) ?? false;
      return [
        ["customer", idsOf(config.customers.filter(names))],
        ["team", idsOf(teams.filter(names))],
        ["owner", idsOf(owners.filter(names))],
        ["virtual key", idsOf(virtualKeys.filter((key) => uses(key) || names(key)))],
      ];
    }
    // A key's owner need not be listed.
    case "owner":
    case "virtual_key":
      return [];
  }
}

/** A rule that names it in full would name nothing. */
function namesProvider({ access }: TeamConfig["governance"], id: string): boolean {
  const { allow = null, deny = [] } = access?.lists.providers ?? {};
  return deny.includes(id) || (allow?.includes(id) ?? false);
}

function idsOf(entities: readonly { readonly id: string }[]): string[] {
  return entities.map(({ id }) => id);
}

function textOf(noun: string, ids: readonly string[]): string {
  const rest = ids.length - NAMED_MAX;
  const named = ids.slice(0, NAMED_MAX).join(", ");
  const more = rest > 0 ? ` and ${rest} more` : "";
  return `${noun}${ids.length === 1 ? "" : "s"} ${named}${more}`;
}
