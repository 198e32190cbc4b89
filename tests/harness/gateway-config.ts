/** The configuration that most end-to-end tests start from: one provider, customer, team, owner and key. */

/** What the upstream must see as its credential, and a client never. */
export const UPSTREAM_KEY = "sk-upstream-credential-for-tests";
export const ADA_KEY = "vk_ada0123456789abcdefghij";

/** Secrets that `smallConfig` refers to. */
export const SMALL_ENV = { UPSTREAM_KEY, ADA_KEY } as const;

interface Budget {
  readonly usd: string;
  readonly per: string;
}

/** Budgets by scope; the provider config is the key's own entry for the provider. */
export interface SmallBudgets {
  readonly customer?: readonly Budget[];
  readonly team?: readonly Budget[];
  readonly owner?: readonly Budget[];
  readonly key?: readonly Budget[];
  readonly providerConfig?: readonly Budget[];
}

export interface SmallConfig {
  readonly budgets?: SmallBudgets;
  /** Merged into `server`. */
  readonly server?: object;
  /** Further fields of the key. */
  readonly key?: object;
  /** Repeats and fail-overs; off where a test is about single attempts. Default: off. */
  readonly failOver?: boolean;
}

/** Key `ada` of ada@acme.example, team `platform`, customer `acme`, with the upstream as `anthropic`. */
export function smallConfig(upstreamUrl: string, options: SmallConfig = {}): object {
  const { budgets = {}, server = {}, key = {}, failOver = false } = options;
  return {
    server: { budget_wait_seconds: 5, ...server },
    routing: { fail_over: failOver },
    providers: [
      {
        id: "anthropic",
        kind: "anthropic",
        base_url: upstreamUrl,
        keys: [{ id: "main", secret: "env:UPSTREAM_KEY" }],
      },
    ],
    customers: [{ id: "acme", name: "Acme Corp", budgets: budgets.customer ?? [] }],
    teams: [{ id: "platform", customer: "acme", budgets: budgets.team ?? [] }],
    owners: [{ id: "ada@acme.example", team: "platform", budgets: budgets.owner ?? [] }],
    virtual_keys: [
      {
        id: "ada",
        team: "platform",
        owner: "ada@acme.example",
        secret: "env:ADA_KEY",
        budgets: budgets.key ?? [],
        providers: [{ id: "anthropic", budgets: budgets.providerConfig ?? [] }],
        ...key,
      },
    ],
  };
}
