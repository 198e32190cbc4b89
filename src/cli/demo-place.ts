/** The demo's small company: who works there, on which budgets, and the configuration that says so. */
import { newSecret } from "../identity/secret.ts";

/** Somebody who works with Claude Code, and how. */
export interface Developer {
  readonly key: string;
  readonly secret: string;
  readonly model: string;
  /** Pauses of a person are divided by it. */
  readonly haste: number;
}

const BUSY = 3;
const WORKERS = [
  { key: "ada", model: "claude-opus-5-5", haste: 1 },
  { key: "bruno", model: "claude-opus-5-5", haste: BUSY },
  { key: "chen", model: "claude-sonnet-5-5", haste: 1 },
  { key: "dora", model: "claude-opus-5-5", haste: 1 },
  { key: "emil", model: "claude-haiku-4-5", haste: 1 },
] as const;

/** The one whose day is over soon. */
export const SPENDTHRIFT = { key: "bruno", capUsd: "0.80" } as const;

/** Secrets come from the environment, so that the file can be kept and read. */
const CONFIGURATION = `# A rehearsal: no real provider is called and no money is spent.
server: { drain_seconds: 3, budget_wait_seconds: 5 }
log: { level: error, format: text }
providers: [{ id: rehearsal, kind: rehearsal }]
customers:
  - { id: acme, name: Acme Corp, budgets: [{ usd: "500", per: month }] }
  - { id: globex, name: Globex, budgets: [{ usd: "200", per: month }] }
teams:
  - { id: platform, customer: acme, labels: { cost_center: "4711" }, budgets: [{ usd: "40", per: day }] }
  - { id: mobile, customer: acme, labels: { cost_center: "4712" }, rate_limits: [{ concurrent: 20 }] }
  - { id: research, customer: globex, budgets: [{ usd: "60", per: week }] }
owners: [{ id: ada@acme.example, team: platform, budgets: [{ usd: "100", per: month }] }]
virtual_keys:
  - { id: ada, team: platform, owner: ada@acme.example, secret: env:DEMO_ADA, budgets: [{ usd: "25", per: day }] }
  - { id: bruno, team: platform, secret: env:DEMO_BRUNO, budgets: [{ usd: "${SPENDTHRIFT.capUsd}", per: day }] }
  - { id: chen, team: mobile, secret: env:DEMO_CHEN, budgets: [{ usd: "10", per: session }] }
  - { id: dora, team: research, secret: env:DEMO_DORA, budgets: [{ usd: "20", rolling: 5h }] }
  - { id: emil, team: research, secret: env:DEMO_EMIL, rate_limits: [{ requests: 60, per: minute }] }
`;

export interface DemoPlace {
  readonly configuration: string;
  readonly developers: readonly Developer[];
  /** What the configuration's references need. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A company with keys that were never used before. */
export function newDemoPlace(): DemoPlace {
  const developers = WORKERS.map((worker) => ({ ...worker, secret: newSecret() }));
  const secrets = developers.map(({ key, secret }) => [`DEMO_${key.toUpperCase()}`, secret]);
  return {
    configuration: CONFIGURATION,
    developers,
    environment: Object.fromEntries(secrets) as Record<string, string>,
  };
}
