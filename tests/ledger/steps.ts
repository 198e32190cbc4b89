/** Random steps: what each of their numbers means, done to the ledger and to the model alike. */
import fc from "fast-check";
import type { Config } from "../../src/config/config.ts";
import type { Ruling } from "../../src/gateway/ports.ts";
import type { Hold } from "../../src/ledger/ledger.ts";
import { meterId, newWindow } from "../../src/ledger/meter.ts";
import { meterDefinitions } from "../../src/policy/plan.ts";
import { type Admission, Live, needFor, type Request } from "./live.ts";
import {
  isOf,
  isReserving,
  labelOf,
  lastHold,
  type MeterDefinition,
  Model,
  type ModelAttempt,
  type ModelHold,
  type ModelMeter,
  type Subject,
} from "./model.ts";
import { type Verdict, verdictOn } from "./model-decisions.ts";
import { KEYS, PROVIDERS, Settings } from "./settings.ts";

const KINDS = [
  ...Array<"admit">(10).fill("admit"),
  ...Array<"settle">(6).fill("settle"),
  "release",
  "cancel",
  "correct",
  "advance",
  "advance",
  "edge",
  "budget",
  "budget",
  "limit",
  "caps",
  "move",
  "mode",
] as const;

export interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly a: number;
  readonly b: number;
  readonly c: number;
  /** Done while history is asked, where the step changes the configuration. */
  readonly meanwhile: readonly Step[];
}

const number = fc.nat({ max: 0xffff });
const plain = fc.record({
  kind: fc.constantFrom(...KINDS),
  a: number,
  b: number,
  c: number,
  meanwhile: fc.constant([]),
});
const step = fc.record({
  kind: fc.constantFrom(...KINDS),
  a: number,
  b: number,
  c: number,
  meanwhile: fc.array(plain, { maxLength: 6 }),
});

export interface Schedule {
  readonly startMs: number;
  readonly steps: readonly Step[];
}

/** Starts lie before changes of the clocks, so that steps cross them. */
const START = fc
  .tuple(
    fc.constantFrom("2026-03-28T20:00Z", "2026-10-24T20:00Z", "2026-04-04T10:00Z", "2026-11-29Z"),
    fc.nat({ max: 12 * 3_600_000 }),
  )
  .map(([text, laterMs]) => Date.parse(text) + laterMs);

const budgetStep = plain.map((one): Step => ({ ...one, kind: "budget", meanwhile: [] }));

/** Some budgets first, then anything. */
export function schedules(stepsMax: number): fc.Arbitrary<Schedule> {
  return fc.record({
    startMs: START,
    steps: fc
      .tuple(
        fc.array(budgetStep, { minLength: 1, maxLength: 6 }),
        fc.array(step, { maxLength: stepsMax, size: "max" }),
      )
      .map(([first, rest]) => [...first, ...rest]),
  });
}

/** Requests, and budgets that are added and removed while many of them go on. */
export function busySchedules(): fc.Arbitrary<Schedule> {
  const busy = fc
    .tuple(step, fc.array(plain, { minLength: 10, maxLength: 40, size: "max" }))
    .map(([one, meanwhile]): Step => ({ ...one, kind: "budget", meanwhile }));
  const admission = plain.map((one): Step => ({ ...one, kind: "admit" }));
  return fc.record({
    startMs: START,
    steps: fc.array(fc.oneof(busy, admission), { minLength: 4, maxLength: 25, size: "max" }),
  });
}

/** A configuration that was in force, as requests that began under it follow it. */
interface Era {
  readonly ruling: Ruling;
  readonly config: Config;
  readonly definitions: readonly MeterDefinition[];
}

/** What one admission gave, and what the model says that it should have. */
export interface Admitted {
  readonly admission: Admission;
  readonly verdict: Verdict;
  readonly enforced: boolean;
}

export class World {
  readonly live: Live;
  readonly model = new Model();
  readonly #settings = new Settings();
  readonly #attempts = new Map<Hold, ModelAttempt>();
  readonly #ended: (readonly [Hold, ModelAttempt])[] = [];
  #eras: readonly Era[] = [];
  #retainedMs: number;
  /** Sees each admission right after it was decided. */
  onAdmit: (admitted: Admitted) => void = () => undefined;

  constructor(startMs: number) {
    this.live = new Live(startMs);
    this.#retainedMs = startMs;
  }

  async begin(): Promise<void> {
    await this.#configure([]);
  }

  async run(one: Step): Promise<void> {
    switch (one.kind) {
      case "budget":
        this.#settings.toggleBudget(one.a, one.b, CAPS[one.c % CAPS.length] ?? 0n);
        return this.#configure(one.meanwhile);
      case "limit":
        this.#settings.toggleLimit(one.a, one.b, one.c % 12);
        return this.#configure(one.meanwhile);
      case "caps":
        this.#settings.scaleCaps(one.a, [0, 10, 50, 90, 110, 200, 1000][one.b % 7] ?? 100);
        return this.#configure(one.meanwhile);
      case "move":
        this.#settings.moveKey(one.a, one.b);
        return this.#configure(one.meanwhile);
      case "mode":
        this.#settings.switchMode();
        return this.#configure(one.meanwhile);
      default:
        this.#runPlain(one);
    }
  }

  #runPlain(one: Step): void {
    switch (one.kind) {
      case "admit":
        return this.#admit(one);
      case "settle":
        return this.#settle(one);
      case "release":
        return this.#release(one);
      case "cancel":
        return this.#cancel(one);
      case "correct":
        return this.#correct(one);
      case "advance":
        return this.#advanceBy(ADVANCES[one.a % ADVANCES.length] ?? 1, one.b);
      case "edge":
        return this.#advanceToEdge(one);
      default:
    }
  }

  async #configure(meanwhile: readonly Step[]): Promise<void> {
    const config = this.#settings.config();
    const waiting = [...meanwhile];
    const lookedUp = { lookedUpAt: ++this.model.clock, lookedUpMs: this.live.nowMs };
    const before = this.#eras[0]?.config.mode;
    await this.live.configure(this.#settings, () => {
      const one = waiting.shift();
      // A correction that arrives just now is not watched; see the report of openings.
      if (one !== undefined && one.kind !== "correct") this.#runPlain(one);
    });
    const definitions = meterDefinitions(config).map((definition) => ({
      ...definition,
      id: meterId(definition),
    }));
    this.model.configure(definitions, { nowMs: this.live.nowMs, ...lookedUp });
    if (before !== "observe" && config.mode === "observe") this.model.startShadow();
    const { ruling } = this.live;
    if (ruling !== null) this.#eras = [{ ruling, config, definitions }, ...this.#eras.slice(0, 1)];
  }

  #admit({ a, b, c }: Step): void {
    const era = this.#eras[c % 8 === 7 ? this.#eras.length - 1 : 0];
    if (era === undefined) return;
    const key = KEYS[[0, 0, 0, 1, 2, 3][a % 6] ?? 0] ?? "ada";
    const request: Request = {
      ruling: era.ruling,
      key,
      provider: b % 2,
      session: SESSIONS[(a >> 3) % SESSIONS.length] ?? null,
      agent: AGENTS[(b >> 2) % AGENTS.length] ?? null,
      inputTokens: (b >> 3) % 3_000,
      asked: ASKED[(a >> 6) % ASKED.length] ?? 1,
      floor: FLOORS[(b >> 1) % FLOORS.length] ?? 1,
      compaction: c % 5 === 0,
      inputNeed: BigInt((b >> 4) % 500) * 1_000_000n,
      pricePerToken: BigInt((c >> 3) % 50) * 500n,
    };
    const subject = subjectOf(era.config, request);
    const chain = era.definitions.filter(({ scope }) => isOf(scope, subject));
    const meters = chain
      .filter(({ span }) => span?.kind !== "subagent" || request.agent !== null)
      .flatMap(({ id }) => this.model.meters.get(id) ?? []);
    const enforced = era.config.mode === "enforce";
    const books = enforced ? "real" : "shadow";
    const verdict = verdictOn({ ...request, subject, meters }, this.model, this.live.nowMs, books);
    const admission = this.live.admit(request);
    const { hold } = admission;
    if (hold !== null) {
      const full = { need: needFor(request, request.asked), maxTokens: request.asked };
      const taken = holdFor(enforced && verdict.fits ? verdict : full, request, meters);
      const shadow = verdict.fits ? holdFor(verdict, request, meters) : null;
      this.#note(hold, { subject, meters, taken, shadow });
    }
    this.onAdmit({ admission, verdict, enforced });
  }

  #note(
    hold: Hold,
    of: {
      readonly subject: Subject;
      readonly meters: readonly ModelMeter[];
      readonly taken: NonNullable<ModelHold["shadow"]>;
      readonly shadow: ModelHold["shadow"];
    },
  ): void {
    const at = ++this.model.clock;
    const attempt: ModelAttempt = {
      ...of.subject,
      id: hold.id,
      admittedAt: at,
      admittedMs: this.live.nowMs,
      chain: new Set(of.meters.map(({ id }) => id)),
      holds: [{ ...of.taken, at, timeMs: this.live.nowMs, shadow: of.shadow }],
      endedAt: null,
      endedMs: 0,
      cancelled: false,
      cost: 0n,
      inputTokens: 0n,
      outputTokens: 0n,
      shadowCost: 0n,
      limitCost: 0n,
    };
    this.model.attempts.push(attempt);
    this.#attempts.set(hold, attempt);
  }

  #open(index: number): readonly [Hold, ModelAttempt] | null {
    const open = [...this.#attempts];
    return open[index % Math.max(1, open.length)] ?? null;
  }

  #end([hold, attempt]: readonly [Hold, ModelAttempt]): void {
    attempt.endedAt = ++this.model.clock;
    attempt.endedMs = this.live.nowMs;
    this.#attempts.delete(hold);
  }

  #settle({ a, b, c }: Step): void {
    const open = this.#open(a);
    if (open === null) return;
    const [hold, attempt] = open;
    const cost = (hold.need * (COSTS[b % COSTS.length] ?? 0n)) / 100n;
    const tokens = { input_tokens: c % 3_000, cache_write_5m_input_tokens: c % 7 };
    const usage = { ...tokens, cache_read_input_tokens: c, output_tokens: (b >> 2) % 2_000 };
    this.live.settle(hold, cost, usage);
    this.#end(open);
    this.#ended.push(open);
    attempt.cost = cost;
    attempt.limitCost = cost;
    attempt.shadowCost = lastHold(attempt).shadow === null ? 0n : cost;
    attempt.inputTokens = BigInt(tokens.input_tokens + tokens.cache_write_5m_input_tokens);
    attempt.outputTokens = BigInt(usage.output_tokens);
  }

  #release({ a, b }: Step): void {
    const open = this.#open(a);
    if (open === null) return;
    const [hold, attempt] = open;
    const need = (hold.need * BigInt(b % 101)) / 100n;
    const { input, output } = hold.tokens;
    const tokens = b % 3 === 0 ? null : { input: Math.floor((input * (b % 101)) / 100), output };
    this.live.release(hold, need, tokens);
    const { at: _at, timeMs: _timeMs, shadow, ...before } = lastHold(attempt);
    const after = { ...before, need, inputNeed: BigInt((tokens ?? hold.tokens).input) };
    attempt.holds.push({
      ...after,
      at: ++this.model.clock,
      timeMs: this.live.nowMs,
      shadow: shadow === null ? null : leastOf(shadow, after),
    });
  }

  #cancel({ a }: Step): void {
    const open = this.#open(a);
    if (open === null) return;
    this.live.cancel(open[0]);
    this.#end(open);
    open[1].cancelled = true;
  }

  #correct({ a, b }: Step): void {
    const ended = this.#ended[a % Math.max(1, this.#ended.length)];
    if (ended === undefined) return;
    const [hold, attempt] = ended;
    const cost = (attempt.cost * BigInt(b % 150)) / 100n;
    const delta = cost - attempt.cost;
    const windows = [...this.model.meters.values()].flatMap((meter) =>
      this.#windowOf(meter, attempt),
    );
    this.live.correct(hold.record, cost, { delta, windows });
    attempt.cost = cost;
    attempt.shadowCost += delta;
  }

  /** The key of the window in which the meter counts the attempt, if it does. */
  #windowOf(modelled: ModelMeter, attempt: ModelAttempt): string[] {
    const meter = this.live.ledger.meter(modelled.id);
    if (meter === undefined || meter.unit !== "usd") return [];
    const label = labelOf(modelled, attempt.admittedMs, attempt);
    if (!this.model.counts(modelled, label, attempt)) return [];
    const isOfClient = meter.span?.kind === "session" || meter.span?.kind === "subagent";
    return [isOfClient ? `${meter.id}#${label}` : newWindow(meter, attempt.admittedMs, null).key];
  }

  #advanceBy(unitMs: number, part: number): void {
    this.#advanceTo(this.live.nowMs + 1 + Math.floor((unitMs * part) / 0xffff));
  }

  /** To the end of an open window, or the last millisecond before it. */
  #advanceToEdge({ a, b }: Step): void {
    const { nowMs, ledger } = this.live;
    const ends = [...ledger.windows()].flatMap(({ endMs }) =>
      endMs !== null && endMs > nowMs ? [endMs] : [],
    );
    const endMs = ends[a % Math.max(1, ends.length)];
    if (endMs !== undefined) this.#advanceTo(Math.max(nowMs, endMs - (b % 2)));
  }

  #advanceTo(timeMs: number): void {
    this.live.nowMs = timeMs;
    if (timeMs - this.#retainedMs < 3_600_000) return;
    this.#retainedMs = timeMs;
    const idle = [...this.live.ledger.windows()].filter(({ settled }) => settled === 0n);
    const unspent = new Set(idle.map(({ key }) => key));
    const closed = this.live.closeIdleSessions().filter((key) => !unspent.has(key));
    this.closed = [closed.toSorted(), this.model.closeIdleSessions(timeMs)];
  }

  /** Sessions with spending that retention closed last: the ledger's and the model's. */
  closed: readonly [readonly string[], readonly string[]] = [[], []];
}

const CAPS = [0n, 2_000_000n, 300_000_000n, 2_000_000_000n, 6_000_000_000n, 40_000_000_000n];
const ASKED = [128_000, 128_000, 64_000, 20_000, 6_000, 1_000];
const FLOORS = [1, 1, 1_025, 10_001, 40_000];
const COSTS = [0n, 1n, 20n, 60n, 100n, 100n, 130n];
/** What an attempt holds in the model; tokens only where its chain limits them. */
function holdFor(
  { need, maxTokens }: { readonly need: bigint; readonly maxTokens: number },
  { inputTokens }: Request,
  meters: readonly ModelMeter[],
): NonNullable<ModelHold["shadow"]> {
  const isLimited = meters.some((meter) => meter.unit !== "cost" && isReserving(meter));
  return {
    need,
    inputNeed: isLimited ? BigInt(inputTokens) : 0n,
    outputNeed: isLimited ? BigInt(maxTokens) : 0n,
  };
}

function leastOf(
  left: NonNullable<ModelHold["shadow"]>,
  right: NonNullable<ModelHold["shadow"]>,
): NonNullable<ModelHold["shadow"]> {
  const least = (one: bigint, other: bigint) => (one < other ? one : other);
  return {
    need: least(left.need, right.need),
    inputNeed: least(left.inputNeed, right.inputNeed),
    outputNeed: least(left.outputNeed, right.outputNeed),
  };
}

const AGENTS = [null, null, "a1", "a/2#%|", "y".repeat(200)];
const SESSIONS = [null, "s1", "s1", "s2", "s/3#|", "x".repeat(200)];
const ADVANCES = [1, 500, 5_000, 120_000, 3_600_000, 3_600_000, 86_400_000, 40 * 86_400_000];

function subjectOf(config: Config, { key, provider, session, agent }: Request): Subject {
  const virtualKey = config.virtualKeys.find(({ id }) => id === key);
  const team = config.teams.find(({ id }) => id === virtualKey?.team);
  return {
    key,
    session,
    agent: agent !== null && Buffer.byteLength(agent) > 128 ? "others" : agent,
    owner: virtualKey?.owner ?? null,
    team: team?.id ?? "",
    customer: team?.customer ?? "",
    provider: PROVIDERS[provider] ?? "",
  };
}
