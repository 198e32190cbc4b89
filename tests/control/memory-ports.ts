/** The control API's ports over a few objects in memory, for tests of the API alone. */
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import { NO_GOVERNANCE } from "../../src/config/governance-config.ts";
import type { Config } from "../../src/config/config.ts";
import type { AddedEntities } from "../../src/config/added.ts";
import type {
  BudgetView,
  ChangeProblem,
  ControlPorts,
  CorrectionOrder,
  KeyView,
  KeyWithSecret,
  RouteExplanation,
  RouteQuestion,
} from "../../src/control/ports.ts";
import { mergePatch } from "../../src/control/merge-patch.ts";
import type { VirtualKeyId } from "../../src/core/ids.ts";
import { systemClock } from "../../src/core/time.ts";
import { NO_USAGE } from "../../src/core/usage.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import type { RequestDetail, RequestRow } from "../../src/views/rows.ts";
import { freshFolder } from "../cli/run-cli.ts";
import { whyReport } from "./memory-why.ts";
import { sessionsOf } from "./memory-sessions.ts";
import type { RequestsFilter } from "../../src/views/requests.ts";
import type { UsageGroup, UsageQuery } from "../../src/views/usage.ts";
import { SHADOW_REPORT } from "./shadow-scope.ts";

export const TOKEN = "test-admin-token-0123456789";

/** What tests look at and change while the server runs. */
export interface World {
  readonly ports: ControlPorts;
  readonly budgets: BudgetView[];
  readonly requests: RequestDetail[];
  readonly usage: UsageGroup[];
  readonly keys: Map<string, KeyView>;
  /** In force: the file, and what was made. */
  config: Config;
  readonly corrections: CorrectionOrder[];
  /** What was asked of the views, and what was changed by whom. */
  readonly asked: { requests: RequestsFilter[]; usage: UsageQuery[]; synced: number[] };
  readonly changes: string[];
  readonly logged: { readonly message: string; readonly fields: unknown }[];
  /** Thrown by the next question to the views. */
  trouble: Error | null;
  openMetrics: boolean;
  /** Where the books contradict themselves. */
  readonly breaches: string[];
  /** False: the configuration sets the admin token. */
  tokenIsMade: boolean;
  mode: Config["mode"];
}

const FILE = `
providers:
  - { id: anthropic, kind: anthropic, keys: [{ id: main, secret: env:UPSTREAM_KEY, weight: 2 }] }
customers: [{ id: acme, name: Acme Corp, budgets: [{ usd: "50000", per: month }] }]
teams:
  - id: platform
    customer: acme
    labels: { cost_center: "4711" }
    budgets: [{ usd: "4000", per: month, time_zone: Europe/Berlin }]
    rate_limits: [{ requests: 600, per: minute }, { concurrent: 200 }]
  - { id: research, customer: acme }
owners: [{ id: ada@acme.example, team: platform }]
virtual_keys:
  - id: ada
    team: platform
    owner: ada@acme.example
    secret: env:ADA_KEY
    budgets: [{ usd: "30", per: day, overshoot: last_request }, { usd: "5", rolling: 5h }]
    providers: [{ id: anthropic, models: ["claude-*"] }]
prices: [{ model: claude-custom-1, from: "2026-01-01", input: "5", output: "25" }]
`;
const SECRETS = {
  UPSTREAM_KEY: "sk-upstream-credential-0123456789",
  ADA_KEY: "vk_adas-secret-0123456789abcdef",
};
/** Whatever the API answers must hold none of these. */
export const NEVER_SHOWN = [...Object.values(SECRETS), TOKEN];

export function memoryWorld(dataDir = freshFolder()): World {
  const config = loadedConfig(dataDir, {});
  const world: Omit<World, "ports"> = {
    config,
    corrections: [],
    budgets: [],
    requests: [],
    usage: [],
    keys: new Map(),
    asked: { requests: [], usage: [], synced: [] },
    changes: [],
    logged: [],
    trouble: null,
    openMetrics: false,
    breaches: [],
    tokenIsMade: true,
    mode: "enforce",
  };
  for (const { secret: _, ...key } of config.virtualKeys) {
    world.keys.set(key.id, { key, source: "file", revokedMs: null, secrets: 1 });
  }
  // One object throughout: what the ports change must be seen in the world.
  return Object.assign(world, { ports: portsOf(world, config) });
}

function loadedConfig(dataDir: string, added: AddedEntities): Config {
  const loaded = loadConfig({
    file: join(dataDir, "tollgate.yaml"),
    environment: { ...SECRETS, TOLLGATE_DATA_DIR: dataDir },
    knownKinds: ["anthropic"],
    readFile: () => FILE,
    added,
  });
  if (!loaded.ok) throw new Error(loaded.faults[0]?.message);
  return loaded.config;
}

function portsOf(world: Omit<World, "ports">, config: Config): ControlPorts {
  const book = createPriceBook(config.prices);
  const log = (message: string, fields?: unknown): void =>
    void world.logged.push({ message, fields });
  return {
    version: "9.8.7",
    clock: systemClock,
    startedMs: 0,
    verifyToken: (presented) => presented === TOKEN,
    config: () => ({
      ...world.config,
      mode: world.mode,
      admin: { ...world.config.admin, openMetrics: world.openMetrics },
    }),
    dataPlaneUrl: () => "http://127.0.0.1:8080",
    budgets: () => world.budgets,
    views: viewsOf(world),
    keys: keysOf(world),
    entities: entitiesOf(world, config.dataDir),
    sessions: sessionsOf(world),
    findings: () => [],
    correct: async (order) => {
      world.corrections.push(order);
      const known = world.requests.some(({ id }) => id === order.request);
      if (!known) return { status: 404, message: "there is no such request" };
      return order.attempt === 7 ? { status: 409, message: "it is no estimate" } : null;
    },
    doneCalls: { find: () => null },
    head: () => ({ node: "nAAAAAAAA", seq: 7, hash: "ab".repeat(32), time: null }),
    journalDirectory: join(config.dataDir, "journal", "nAAAAAAAA"),
    health: () => ({
      ready: true,
      reasons: [],
      providerTroubles: ["provider anthropic refused key main with 401"],
      configurationFault: null,
      invariantBreaches: [...world.breaches],
    }),
    explainPrice: (model, atMs, kind) => book.explain(model, atMs, kind),
    explainRoute: explainedRoute,
    why: whyReport,
    pricedModels: (kind) => book.wireIds(kind),
    metricsText: async () => "# HELP a b\na 1\n",
    inFlight: () => ({ attempts: 2, held: 1_500_000_000n }),
    resetAdminToken: () => {
      if (!world.tokenIsMade) return null;
      world.changes.push("reset the admin token");
      return "tga_made-anew";
    },
    backupPoint: async () => {
      if (world.trouble !== null) throw world.trouble;
      const position = { segment: 1, offset: 700, seq: 7, prevHash: "ab".repeat(32) };
      return { node: "nAAAAAAAA", position, time: null };
    },
    log: { info: log, warn: log, error: log },
  };
}

/** One rule that takes what it is asked for. */
function explainedRoute({ virtualKey, model, task }: RouteQuestion): RouteExplanation | null {
  if (virtualKey !== "ada") return null;
  const target = { provider: "anthropic", model: "claude-haiku-5-5", weight: 1 };
  const fallbacks = { contextLength: [target], contentPolicy: [] };
  const onUnsupported = "drop";
  return {
    decision: { rule: "small", groups: [[target]], onUnsupported, fallbacks, why: "it holds" },
    rules: [{ rule: "small", outcome: "taken", why: "it holds" }],
    facts: { model, "task.type": task, "agent.depth": 0, thinking: true },
  };
}

function viewsOf(world: Omit<World, "ports">): ControlPorts["views"] {
  const ready = (): void => {
    if (world.trouble !== null) throw world.trouble;
  };
  return {
    sync: async (seq) => {
      ready();
      world.asked.synced.push(seq);
    },
    requests: async (filter) => {
      ready();
      world.asked.requests.push(filter);
      if (filter.cursor === "nonsense") return { error: "invalid_cursor" };
      const data = world.requests.map((each) => ({ ...each, attempts: each.attempts.length }));
      return { data: data.slice(0, filter.limit), next_cursor: data.length > 1 ? "next" : null };
    },
    request: async (id) => world.requests.find((each) => each.id === id) ?? null,
    shadow: () => Promise.resolve(SHADOW_REPORT),
    usage: async (query) => {
      ready();
      world.asked.usage.push(query);
      return world.usage;
    },
    status: () => ({
      appliedSeq: 7,
      position: null,
      lagMs: 0,
      skipped: 0,
      failures: 0,
      error: null,
    }),
  };
}

function keysOf({ keys, changes }: Omit<World, "ports">): ControlPorts["keys"] {
  const gone = { status: 404, message: "there is no such key" } as const;
  const inFile = { status: 409, message: "it stands in the file: change it there" } as const;
  const changed = (id: string, change: Partial<KeyView>): KeyView => {
    const view = { ...keys.get(id), ...change } as KeyView;
    keys.set(id, view);
    return view;
  };
  const administration: ControlPorts["keys"] = {
    list: () => [...keys.values()],
    get: (id) => keys.get(id) ?? null,
    createAll: async (list, by) => {
      const made: KeyWithSecret[] = [];
      for (const [index, fields] of list.entries()) {
        const done = await administration.create(fields, by);
        if ("status" in done) return { problems: [{ index, ...done }] };
        made.push(done);
      }
      return { made };
    },
    create: async (fields, { actor }) => {
      const { id, team, name } = fields as { id?: unknown; team?: unknown; name?: string };
      if (typeof id !== "string") return { status: 400, message: "id is missing", field: "id" };
      if (keys.has(id)) return { status: 409, message: "it exists already" };
      if (team !== "platform") return { status: 400, message: "no such team", field: "team" };
      changes.push(`create ${id} by ${actor}`);
      const key = { ...blankKey(id), name: name ?? null };
      const view: KeyView = { key, source: "api", revokedMs: null, secrets: 1 };
      keys.set(id, view);
      return { key: view, secret: `vk_made-${changes.length}` };
    },
    update: async (id, patch, actor) => {
      const view = keys.get(id);
      if (view?.source === "file") return inFile;
      changes.push(`update ${id} by ${actor}`);
      return changed(id, { key: mergePatch(view?.key, patch) as KeyView["key"] });
    },
    remove: async (id, actor) => {
      if (keys.get(id)?.source === "file") return inFile;
      changes.push(`delete ${id} by ${actor}`);
      return keys.delete(id) ? null : gone;
    },
    rotate: async (id, { overlapSeconds }, { actor }) => {
      changes.push(`rotate ${id} by ${actor} overlap ${overlapSeconds}`);
      const secrets = overlapSeconds > 0 ? 2 : 1;
      return {
        key: changed(id, { secrets, revokedMs: null }),
        secret: `vk_made-${changes.length}`,
      };
    },
    revoke: async (id, { actor }) => {
      changes.push(`revoke ${id} by ${actor}`);
      return changed(id, { revokedMs: 1_000, secrets: 0 });
    },
  };
  return administration;
}

const SECTIONS = {
  customer: "customers",
  team: "teams",
  owner: "owners",
  provider: "providers",
} as const;

/** Checked by the configuration's own rules; what the node adds to them is not here. */
function entitiesOf(world: Omit<World, "ports">, dataDir: string): ControlPorts["entities"] {
  const made = new Map<string, Map<string, unknown>>();
  const of = (kind: keyof typeof SECTIONS): Map<string, unknown> =>
    made.get(SECTIONS[kind]) ?? new Map<string, unknown>();
  const put = (kind: keyof typeof SECTIONS, next: Map<string, unknown>): ChangeProblem | null => {
    const lists = new Map([...made, [SECTIONS[kind], next]]);
    const added = [...lists].map(([section, entities]) => [section, [...entities.values()]]);
    try {
      world.config = loadedConfig(dataDir, Object.fromEntries(added) as AddedEntities);
    } catch (error) {
      return { status: 400, message: String(error) };
    }
    made.set(SECTIONS[kind], next);
    return null;
  };
  return {
    fieldsOf: (kind, id) => of(kind).get(id) ?? null,
    create: async (kind, fields, { actor }) => {
      const { id } = fields as { id?: unknown };
      if (typeof id !== "string") return { status: 400, message: "id is missing", field: "id" };
      world.changes.push(`create ${kind} ${id} by ${actor}`);
      return put(kind, new Map([...of(kind), [id, fields]]));
    },
    update: async ({ kind, id, patch }, actor) => {
      const fields = of(kind).get(id);
      if (fields === undefined) return { status: 409, message: "it stands in the file" };
      world.changes.push(`update ${kind} ${id} by ${actor}`);
      return put(kind, new Map([...of(kind), [id, mergePatch(fields, patch)]]));
    },
    remove: async (kind, id, actor) => {
      if (!of(kind).has(id)) return { status: 409, message: "it stands in the file" };
      world.changes.push(`delete ${kind} ${id} by ${actor}`);
      return put(kind, new Map([...of(kind)].filter(([other]) => other !== id)));
    },
  };
}

function blankKey(id: string): KeyView["key"] {
  const team = "platform" as KeyView["key"]["team"];
  const none = { owner: null, expiresMs: null, providers: null, budgets: [], rateLimits: [] };
  return {
    id: id as VirtualKeyId,
    team,
    name: null,
    labels: {},
    governance: NO_GOVERNANCE,
    ...none,
  };
}

/** A request row with its one attempt; `change` replaces fields. */
export function requestDetail(id: string, change: Partial<RequestDetail> = {}): RequestDetail {
  const row: Omit<RequestRow, "attempts"> = {
    id,
    time: "2026-11-03T10:00:00.000Z",
    customer: "acme",
    team: "platform",
    owner: "ada@acme.example",
    virtual_key: "ada",
    labels: { cost_center: "4711" },
    session: "s1",
    agent: null,
    parent_agent: null,
    task_type: "main",
    task_source: "hint",
    dialect: "anthropic",
    requested_model: "claude-opus-4-8",
    provider: "anthropic",
    model: "claude-opus-4-8",
    rule: null,
    levers: [],
    status: 200,
    outcome: "ok",
    estimated: false,
    refusal: null,
    refusal_by: null,
    usage: { ...NO_USAGE, input_tokens: 10, output_tokens: 20 },
    cost_usd: "0.00055",
    price: "listed",
    max_tokens: 100,
    clamped_max_tokens: null,
    waited_ms: 0,
    latency_ms: 1200,
    first_byte_ms: 300,
    overhead_us: 250,
  };
  return { ...row, attempts: [attemptOf(row)], ...change };
}

function attemptOf(row: Omit<RequestRow, "attempts">): RequestDetail["attempts"][number] {
  return {
    attempt: 1,
    time: row.time,
    ended: row.time,
    state: "settled",
    provider: row.provider,
    provider_key: "main",
    model: row.model,
    door: "messages",
    rule: null,
    levers: [],
    route_note: null,
    dropped: [],
    price: "listed",
    max_tokens: 100,
    clamped_max_tokens: null,
    waited_ms: 0,
    refusal: null,
    refusal_by: null,
    shadow_max_tokens: null,
    shadow_clamped_by: null,
    overshoot: null,
    need_usd: "0.01",
    held_usd: "0",
    cost_usd: row.cost_usd,
    estimated: false,
    usage: row.usage,
    upstream_status: 200,
    upstream_request_id: "up_1",
    fault: null,
    reason: null,
    windows: ["team/platform|usd|month|UTC@2026-11-01T00:00:00.000Z"],
    limits: [],
    corrections: [],
  };
}
