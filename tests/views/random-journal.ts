/** Makes up what a node might have written: requests with attempts, cancels, refusals, corrections. */
import { newRequestId } from "../../src/core/ids.ts";
import type { RequestId } from "../../src/core/ids.ts";
import type { Usage } from "../../src/core/usage.ts";
import type {
  AdmitRecord,
  Attribution,
  Ending,
  JournalRecord,
  Outcome,
  RefuseRecord,
  SettleRecord,
} from "../../src/journal/record.ts";

export interface Random {
  /** 0 ≤ n < limit, an integer. */
  readonly below: (limit: number) => number;
  readonly chance: (probability: number) => boolean;
  readonly pick: <Item>(items: readonly [Item, ...Item[]]) => Item;
}

/** The same numbers for the same seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed;
  function next(): number {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    below,
    chance: (probability) => next() < probability,
    pick: (items) => items[below(items.length)] ?? items[0],
  };
}

export interface JournalShape {
  readonly requests: number;
  readonly fromMs: number;
  /** Time from one record to the next, at most. */
  readonly stepMs: number;
  /** Costs are drawn below this. */
  readonly costBelow: bigint;
}

type Step = JournalRecord[];

/** Records of `shape.requests` requests, in an order in which a node could have written them. */
export function randomJournal(random: Random, shape: JournalShape): JournalRecord[] {
  const clock = { ms: shape.fromMs };
  const running: Generator<Step>[] = [];
  const written: JournalRecord[] = [];
  for (let begun = 0; begun < shape.requests || running.length > 0;) {
    clock.ms += random.below(shape.stepMs);
    if (begun < shape.requests && (running.length === 0 || random.chance(0.4))) {
      running.push(randomRequest(random, clock, shape));
      begun++;
    }
    const index = random.below(running.length);
    const step = running[index]?.next();
    if (step?.done !== false) running.splice(index, 1);
    else written.push(...step.value);
  }
  return written;
}

interface Clock {
  ms: number;
}

function* randomRequest(random: Random, clock: Clock, shape: JournalShape): Generator<Step> {
  const request = newRequestId(clock.ms);
  const who = randomAttribution(random);
  const attempts = random.pick([0, 1, 1, 1, 1, 1, 1, 2, 3]);
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const admit = randomAdmit(random, who, { request, attempt, timeMs: clock.ms });
    yield [admit];
    if (random.chance(0.2)) {
      const need = (BigInt(admit.need) / 3n).toString();
      yield [{ type: "release", time: at(clock), request, attempt, need }];
    }
    if (random.chance(0.02)) {
      const windows = { [`window-${random.below(9)}`]: [`${request}/${attempt}`] };
      yield [config(at(clock), windows)];
    }
    if (attempt < attempts && random.chance(0.5)) {
      yield [{ type: "cancel", time: at(clock), request, attempt, reason: "not_reached" }];
      continue;
    }
    const goesOn = attempt < attempts || random.chance(0.03);
    const settle = randomSettle(random, admit, { time: at(clock), costBelow: shape.costBelow });
    yield [goesOn ? settle : { ...settle, end: randomEnd(random) }];
    if (random.chance(0.05)) yield* randomCorrections(random, clock, settle, shape);
    if (attempt === attempts && !goesOn) return;
  }
  // A few are cut off by a crash between two attempts, and never end.
  if (attempts > 0 && random.chance(0.2)) return;
  yield [randomRefusal(random, who, { request, attempts, time: at(clock) })];
}

function* randomCorrections(
  random: Random,
  clock: Clock,
  settle: SettleRecord,
  shape: JournalShape,
): Generator<Step> {
  let before = BigInt(settle.cost);
  for (let count = random.below(2); count >= 0; count--) {
    const cost = randomAmount(random, shape.costBelow);
    const { request, attempt } = settle;
    const delta = (cost - before).toString();
    const said = {
      admitted: settle.time,
      windows: ["window-1"],
      reason: "invoice",
      actor: "admin",
    };
    yield [
      { type: "correction", time: at(clock), request, attempt, cost: `${cost}`, delta, ...said },
    ];
    before = cost;
  }
}

const LOWERED = { lever: "max_tokens", from: 128_000, to: 32_000, by: "team/team-1" };

function at(clock: Clock): string {
  return new Date(clock.ms).toISOString();
}

function randomAttribution(random: Random): Attribution {
  const key = random.below(6);
  const labels = [
    undefined,
    { cost_center: "4711" },
    { cost_center: `k"${key}`, áb: "x" },
  ] as const;
  const label = random.pick(labels);
  return {
    customer: random.pick(["acme", "globex"]),
    team: `team-${key % 3}`,
    owner: key % 2 === 0 ? null : `owner-${key}`,
    virtual_key: `key-${key}`,
    ...(label === undefined ? {} : { labels: label }),
    session: random.chance(0.1) ? null : `session-${random.below(30)}`,
    agent: random.chance(0.7) ? null : `agent-${random.below(3)}`,
    parent_agent: random.chance(0.9) ? null : "parent",
    task_type: random.pick(["main", "subagent", "title", "count"]),
    dialect: "anthropic",
    requested_model: random.pick(["claude-opus-5-5", "claude-sonnet-5", null]),
  };
}

function randomAdmit(
  random: Random,
  who: Attribution,
  of: { readonly request: RequestId; readonly attempt: number; readonly timeMs: number },
): AdmitRecord {
  const need = 1000n + BigInt(random.below(1_000_000));
  return {
    type: "admit",
    time: new Date(of.timeMs).toISOString(),
    request: of.request,
    attempt: of.attempt,
    ...who,
    provider: random.pick(["anthropic", "bedrock", "vertex"]),
    provider_key: "main",
    model: random.pick(["claude-opus-5-5", "claude-sonnet-5", "claude-haiku-5"]),
    price: random.pick(["listed", "assumed", "override"]),
    max_tokens: random.chance(0.1) ? null : 128_000,
    clamped_max_tokens: random.chance(0.8) ? null : 32_000,
    waited_ms: random.chance(0.8) ? 0 : random.below(60_000),
    need: need.toString(),
    input_need: (need / 2n).toString(),
    output_tokens: 128_000,
    output_pico: "25000000",
    windows: ["window-1", `window-${2 + random.below(7)}`],
    limits: ["limit-1"],
    ...randomShadow(random, need),
    ...(random.chance(0.02) ? { overshoot: "last_request" as const } : {}),
    ...(random.chance(0.8) ? { door: random.pick(["messages", "converse"]) } : {}),
    ...(random.chance(0.8) ? { task_source: random.pick(["hint", "heuristic"] as const) } : {}),
    ...(random.chance(0.3) ? { rule: `rule-${random.below(3)}` } : {}),
    ...(random.chance(0.1) ? { route_note: "the session left a for b" } : {}),
    ...(random.chance(0.1) ? { levers: [LOWERED] } : {}),
  };
}

function randomSettle(
  random: Random,
  { request, attempt }: AdmitRecord,
  of: { readonly time: string; readonly costBelow: bigint },
): SettleRecord {
  const estimated = random.chance(0.1);
  return {
    type: "settle",
    time: of.time,
    request,
    attempt,
    cost: randomAmount(random, of.costBelow).toString(),
    usage: randomUsage(random),
    estimated,
    upstream_status: estimated ? null : random.pick([200, 200, 200, 529]),
    upstream_request_id: estimated ? null : `upstream-${random.below(1e6)}`,
    fault: estimated ? "reset" : null,
    ...(random.chance(0.2) ? { shadow: { cost: "5", output_tokens: 1 } } : {}),
    ...(random.chance(0.1) ? { dropped: ["cache_control", "top_k"] } : {}),
    end: null,
  };
}

function randomAmount(random: Random, below: bigint): bigint {
  return (below * BigInt(random.below(2 ** 32))) / 2n ** 32n;
}

function randomUsage(random: Random): Usage {
  const output = random.below(64_000);
  return {
    input_tokens: random.below(200_000),
    output_tokens: output,
    thinking_tokens: random.below(output + 1),
    cache_read_input_tokens: random.below(1_000_000),
    cache_write_5m_input_tokens: random.below(100_000),
    cache_write_1h_input_tokens: random.below(100_000),
    web_search_requests: random.below(3),
  };
}

function randomEnd(random: Random): Ending {
  const outcomes: readonly [Outcome, ...Outcome[]] = [
    "ok",
    "ok",
    "ok",
    "upstream_error",
    "client_closed",
    "interrupted",
  ];
  const outcome = random.pick(outcomes);
  return {
    outcome,
    status: outcome === "interrupted" ? null : 200,
    latency_ms: random.below(120_000),
    first_byte_ms: random.chance(0.1) ? null : random.below(5000),
    overhead_us: random.below(2000),
  };
}

function randomRefusal(
  random: Random,
  who: Attribution,
  of: { readonly request: RequestId; readonly attempts: number; readonly time: string },
): RefuseRecord {
  const end = { latency_ms: 3, first_byte_ms: 2, overhead_us: 900, status: 429 };
  return {
    type: "refuse",
    time: of.time,
    request: of.request,
    ...who,
    code: random.pick(["budget_exhausted", "rate_limited", "no_provider_available"]),
    message: "no",
    max_tokens: 4096,
    waited_ms: random.below(50),
    attempts: of.attempts,
    end: { ...end, outcome: "refused" },
  };
}

function config(time: string, adopted: Record<string, readonly string[]>): JournalRecord {
  const meters = { meters_added: [], meters_removed: [], opened: [] };
  return { type: "config", time, digest: "0", mode: "enforce", ...meters, adopted };
}

const SCOPES = ["customer/acme", "team/team-1", "virtual_key/key-3"] as const;

/** What a scope in shadow would have done; mostly there is none. */
function randomShadow(random: Random, need: bigint): Partial<AdmitRecord> {
  if (random.chance(0.1)) {
    const refusal = random.pick(["budget_exhausted", "budget_busy", "model_not_allowed"] as const);
    return { refusal, ...(random.chance(0.2) ? {} : { refusal_by: random.pick(SCOPES) }) };
  }
  if (random.chance(0.8)) return {};
  const clamp = { shadow_max_tokens: 8_000, shadow_clamped_by: random.pick(SCOPES) };
  const change = { what: random.pick(["slowed", "changed"] as const), by: random.pick(SCOPES) };
  return {
    shadow_need: (need / 2n).toString(),
    ...(random.chance(0.5) ? clamp : {}),
    ...(random.chance(0.2) ? { shadow_changes: [change] } : {}),
  };
}
