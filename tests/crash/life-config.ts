/** The configuration of a gateway that dies: budgets of every scope, each of them far away. */
import { ADA_KEY, UPSTREAM_KEY } from "../harness/gateway-config.ts";

/** May use small models only, so that a request for a large one is refused. */
const BOB_KEY = "vk_bob0123456789abcdefghij";
/** Has a provider that nobody listens for. */
const CARL_KEY = "vk_carl0123456789abcdefghi";

/** Has money for one request at a time. */
const DORA_KEY = "vk_dora0123456789abcdefghi";

/** Secrets that the configuration refers to, and the keys of those who ask. */
export const LIFE_ENV = { UPSTREAM_KEY, ADA_KEY, BOB_KEY, CARL_KEY, DORA_KEY } as const;

/** Port 9, "discard". */
const UNREACHABLE = "http://127.0.0.1:9";

export interface LifeConfig {
  /** Merged into the configuration. */
  readonly config?: object;
  /** Of the key that asks; default: far away. */
  readonly keyBudgets?: readonly object[];
}

/** The cap of the budget that this reload has added. */
export function addedLimit(reloads: number): string {
  return String(50_000 + reloads);
}

/** The configuration after so many reloads. */
export function configOf(providerUrl: string, reloads: number, options: LifeConfig): object {
  const far = { usd: "100000", per: "total" };
  const provider = (id: string, url: string): object => ({
    id,
    kind: "anthropic",
    base_url: url,
    keys: [{ id: "main", secret: "env:UPSTREAM_KEY" }],
  });
  // Each reload puts one budget in the place of another: it begins with what was spent before.
  const periods = ["day", "week", "month"];
  const added = { usd: addedLimit(reloads), per: periods[reloads % periods.length] };
  const keyBudgets = options.keyBudgets ?? [far, { usd: "10", per: "session" }];
  return {
    server: { budget_wait_seconds: 30 },
    // What an attempt shows of itself is what these tests look at.
    routing: { fail_over: false },
    providers: [provider("anthropic", providerUrl), provider("gone", UNREACHABLE)],
    customers: [{ id: "acme", budgets: [far] }],
    teams: [{ id: "platform", customer: "acme", budgets: [added] }],
    owners: [
      {
        id: "ada@acme.example",
        team: "platform",
        budgets: [{ usd: far.usd, rolling: "7d" }],
      },
    ],
    virtual_keys: [
      {
        id: "ada",
        team: "platform",
        secret: "env:ADA_KEY",
        owner: "ada@acme.example",
        budgets: keyBudgets,
        providers: [{ id: "anthropic", budgets: [far] }],
      },
      {
        id: "bob",
        team: "platform",
        secret: "env:BOB_KEY",
        providers: [{ id: "anthropic", models: ["claude-haiku-*"] }],
      },
      {
        id: "dora",
        team: "platform",
        secret: "env:DORA_KEY",
        budgets: [{ usd: "0.011", per: "total" }],
        providers: [{ id: "anthropic" }],
      },
      { id: "carl", team: "platform", secret: "env:CARL_KEY", providers: [{ id: "gone" }] },
    ],
    ...options.config,
  };
}
