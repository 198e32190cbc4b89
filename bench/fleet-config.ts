/** The configuration that the benchmark measures under: one key below six budgets and four limits. */

export const BENCH_KEY = "vk_benchmark0123456789abcdefghijklmn";
/** What the upstream would see; it takes anything. */
const UPSTREAM_SECRET = "sk-benchmark-upstream";

/** Secrets that the configuration refers to. */
export const FLEET_ENV = { BENCH_KEY, BENCH_UPSTREAM_KEY: UPSTREAM_SECRET } as const;

/** No request is refused: the caps are what no run can spend. */
const USD = "900000000";
const COUNT = 900_000_000;

/** Six money windows and four limits over every request; `upstreamUrl` is the only provider. */
export function fleetConfig(upstreamUrl: string): object {
  const budget = (per: string) => ({ usd: USD, per });
  return {
    log: { level: "warn" },
    providers: [
      {
        id: "anthropic",
        kind: "anthropic",
        base_url: upstreamUrl,
        keys: [{ id: "main", secret: "env:BENCH_UPSTREAM_KEY" }],
      },
    ],
    customers: [{ id: "acme", name: "Acme Corp", budgets: [budget("month")] }],
    teams: [
      {
        id: "platform",
        customer: "acme",
        labels: { cost_center: "4711" },
        budgets: [{ ...budget("month"), time_zone: "Europe/Berlin" }],
        rate_limits: [
          { requests: COUNT, per: "minute" },
          { input_tokens: COUNT * 1000, per: "hour" },
          { concurrent: COUNT },
        ],
      },
    ],
    owners: [{ id: "ada@acme.example", team: "platform", budgets: [budget("month")] }],
    virtual_keys: [
      {
        id: "ada",
        team: "platform",
        owner: "ada@acme.example",
        secret: "env:BENCH_KEY",
        budgets: [budget("day"), budget("session")],
        rate_limits: [{ output_tokens: COUNT * 1000, per: "hour" }],
        providers: [{ id: "anthropic", models: ["claude-*"], budgets: [budget("month")] }],
      },
    ],
  };
}

/** Headers of a main request of Claude Code, lower-case names; about 1 kB. */
export function clientHeaders(session: string): Record<string, string> {
  return {
    accept: "application/json",
    "anthropic-beta":
      "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27," +
      "prompt-caching-scope-2026-01-05,effort-2025-11-24,thinking-token-count-2026-05-13",
    "anthropic-dangerous-direct-browser-access": "true",
    "anthropic-version": "2023-06-01",
    "content-type": "application/json",
    "user-agent": "claude-cli/2.1.330 (external, cli)",
    "x-api-key": BENCH_KEY,
    "x-app": "cli",
    "x-claude-code-prompt-id": "7f0f4f3a-8f3f-4f86-a4a4-2f4a2f0a9a11",
    "x-claude-code-request-class": "main",
    "x-claude-code-session-id": session,
    "x-stainless-arch": "x64",
    "x-stainless-helper-method": "stream",
    "x-stainless-lang": "js",
    "x-stainless-os": "Linux",
    "x-stainless-package-version": "0.94.0",
    "x-stainless-retry-count": "0",
    "x-stainless-runtime": "node",
    "x-stainless-runtime-version": "v24.21.0",
    "x-stainless-timeout": "600",
  };
}
