/** Which scopes are in shadow: those that say so, all below them, and, for their books, those above. */
import type { Config, OwnerConfig, TeamConfig, VirtualKeyConfig } from "../config/config.ts";
import type { GovernanceConfig } from "../config/governance-config.ts";
import type { ShadowRole } from "../ledger/state.ts";

/** The role of each scope's meters; null: nothing at or below it is in shadow. */
export interface ShadowRoles {
  readonly customer: (customer: { readonly id: string }) => ShadowRole | null;
  readonly team: (team: { readonly id: string }) => ShadowRole | null;
  readonly owner: (owner: { readonly id: string }) => ShadowRole | null;
  readonly key: (key: VirtualKeyConfig) => ShadowRole | null;
  /** Of the accounts behind providers' keys. */
  readonly accounts: ShadowRole | null;
}

/** A scope observes where it or one above says so; what a narrower one says to the contrary is not heard. */
export function shadowRoles(config: Config): ShadowRoles {
  if (config.mode === "observe") return rolesOf(() => "own");
  const tree = new Tree(config);
  return tree.isEmpty ? rolesOf(() => null) : tree;
}

function rolesOf(role: () => ShadowRole | null): ShadowRoles {
  return { customer: role, team: role, owner: role, key: role, accounts: role() };
}

function observes({ governance }: { readonly governance: GovernanceConfig }): boolean {
  return governance.mode === "observe";
}

/** One pass down for those that are in shadow, one up for those above them. */
class Tree implements ShadowRoles {
  readonly #customers = new Map<string, ShadowRole>();
  readonly #teams = new Map<string, ShadowRole>();
  readonly #owners = new Map<string, ShadowRole>();
  readonly #customerOf: ReadonlyMap<string, string>;
  #anyKey = false;

  constructor(config: Config) {
    this.#customerOf = new Map(config.teams.map(({ id, customer }) => [id, customer]));
    for (const customer of config.customers)
      if (observes(customer)) this.#customers.set(customer.id, "own");
    for (const team of config.teams) this.#enterTeam(team);
    for (const owner of config.owners) this.#enterOwner(owner);
    for (const key of config.virtualKeys) this.#enterKey(key);
  }

  #enterTeam(team: TeamConfig): void {
    if (!observes(team) && this.#customers.get(team.customer) !== "own") return;
    this.#teams.set(team.id, "own");
    mark(this.#customers, team.customer);
  }

  #enterOwner(owner: OwnerConfig): void {
    if (!observes(owner) && this.#teams.get(owner.team) !== "own") return;
    this.#owners.set(owner.id, "own");
    this.#markTeam(owner.team);
  }

  #enterKey(key: VirtualKeyConfig): void {
    if (this.key(key) !== "own") return;
    this.#anyKey = true;
    if (key.owner !== null) mark(this.#owners, key.owner);
    this.#markTeam(key.team);
  }

  #markTeam(team: string): void {
    mark(this.#teams, team);
    mark(this.#customers, this.#customerOf.get(team) ?? "");
  }

  get isEmpty(): boolean {
    return this.#customers.size + this.#teams.size + this.#owners.size === 0 && !this.#anyKey;
  }

  readonly customer: ShadowRoles["customer"] = ({ id }) => this.#customers.get(id) ?? null;
  readonly team: ShadowRoles["team"] = ({ id }) => this.#teams.get(id) ?? null;
  readonly owner: ShadowRoles["owner"] = ({ id }) => this.#owners.get(id) ?? null;

  readonly key: ShadowRoles["key"] = (key) => {
    const above = [this.#teams.get(key.team), this.#owners.get(key.owner ?? "")];
    return observes(key) || above.includes("own") ? "own" : null;
  };

  get accounts(): ShadowRole | null {
    return this.#anyKey ? "above" : null;
  }
}

function mark(roles: Map<string, ShadowRole>, id: string): void {
  if (!roles.has(id)) roles.set(id, "above");
}
