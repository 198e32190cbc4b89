/** Who spends against which cap in a workload: developers alone, and teams that share one. */
import { drawDeveloper, type Developer } from "../simulation/script.ts";
import type { Member, Team } from "./workload-desk.ts";

/** Daily caps in dollars of one developer each, who has the more sessions open the more there is. */
const ALONE = {
  five: { capUsd: 5, lanes: 3 },
  ten: { capUsd: 10, lanes: 5 },
  thirty: { capUsd: 30, lanes: 8 },
} as const;
const TEAM = { capUsd: 10, members: 4, lanes: 2 } as const;

/**
 * In percent: what nine of ten days of one developer use of their cap at least, by the simulation of hundreds
 * of days; the team's cap is the second one. A day that ends by itself leaves less than a fresh context
 * needs, some $0.2, so even one day is above it.
 */
export const LEAST_USED: Readonly<Record<string, number>> = {
  five: 90.9,
  ten: 93.3,
  thirty: 93.7,
  team: 93.3,
};

/** Those that the upstream's bill knows the price of. */
const MODELS = new Set(["claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-2"]);

export interface Cast {
  readonly members: readonly Member[];
  readonly teams: readonly Team[];
}

/** So many days of each kind; each day has developers of its own. */
export function castOf(seed: number, days: number): Cast {
  const developers = developersOf(seed);
  const members: Member[] = [];
  const teams: Team[] = [{ id: "free", capUsd: null }];
  for (let day = 0; day < days; day++) {
    for (const [name, own] of Object.entries(ALONE)) {
      const developer = developers.next().value;
      members.push({ key: `${name}${day}`, team: "free", developer, ...own });
    }
    const team = `team${day}`;
    teams.push({ id: team, capUsd: TEAM.capUsd });
    for (let number = 0; number < TEAM.members; number++) {
      const developer = developers.next().value;
      members.push({ key: `${team}x${number}`, team, developer, capUsd: null, lanes: TEAM.lanes });
    }
  }
  return { members, teams };
}

/** The name in `LEAST_USED` of the cap that a key, or a team, spends from. */
export function capNameOf(id: string): string {
  return /^[a-z]+/.exec(id)?.[0] ?? "";
}

function* developersOf(seed: number): Generator<Developer, never> {
  for (let index = 0; ; index++) {
    const developer = drawDeveloper(seed, index);
    if (MODELS.has(developer.model)) yield developer;
  }
}
