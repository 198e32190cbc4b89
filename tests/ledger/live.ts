/** The real ledger, moved as the gateway moves it, with everything that it would have journalled. */
import type { VirtualKeyId } from "../../src/core/ids.ts";
import { nanoUsd } from "../../src/core/money.ts";
import type { Refusal } from "../../src/core/refusal.ts";
import { formatTime } from "../../src/core/time.ts";
import { NO_USAGE, type Usage } from "../../src/core/usage.ts";
import type { Ruling } from "../../src/gateway/ports.ts";
import { Hasher } from "../../src/identity/key-ring.ts";
import type { AdmitRecord, JournalRecord } from "../../src/journal/record.ts";
import { holdTokens } from "../../src/ledger/amounts.ts";
import { claimOf, limitShortage, type Books, type Claim } from "../../src/ledger/decide.ts";
import { applyRecord } from "../../src/ledger/fold.ts";
import { climb } from "../../src/ledger/ladder.ts";
import type { Hold } from "../../src/ledger/ledger.ts";
import { isOfAgents } from "../../src/ledger/meter.ts";
import type { Meter, Need as StateNeed, TokenNeed, Window } from "../../src/ledger/state.ts";
import { configure } from "../../src/node/configure.ts";
import { emptyState, type NodeState } from "../../src/node/state.ts";
import { explainShortage } from "../../src/policy/explain.ts";
import type { Plan, PlanProvider } from "../../src/policy/plan.ts";
import { Sessions } from "../../src/policy/sessions.ts";
import { historyOf } from "./history.ts";
import { PROVIDER_KEY } from "./model.ts";
import { admitRecord, remembering } from "./records.ts";
import type { Settings } from "./settings.ts";

const THIRTY_DAYS_MS = 30 * 86_400_000;

/** What a request asks for, in numbers. */
export interface Need {
  readonly asked: number;
  readonly floor: number;
  readonly compaction: boolean;
  readonly inputNeed: bigint;
  readonly pricePerToken: bigint;
  readonly inputTokens: number;
}

export interface Request extends Need {
  readonly ruling: Ruling;
  readonly key: string;
  readonly provider: number;
  readonly session: string | null;
  readonly agent: string | null;
}

/** What came of it. */
export interface Admission {
  readonly hold: Hold | null;
  /** Which window refused, by its meter's id; null where none did. */
  readonly refusedBy: string | null;
  readonly code: string | null;
  readonly maxTokens: number;
}

interface Short {
  readonly refusal: Refusal;
  readonly meter: string;
}
type Decision = StateNeed & { readonly maxTokens: number };

export class Live {
  readonly state: NodeState = emptyState();
  readonly records: JournalRecord[] = [];
  ruling: Ruling | null = null;
  nowMs: number;
  #requests = 0;
  readonly #sessions = new Sessions();
  readonly #hasher = new Hasher(Buffer.alloc(32));

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  get ledger() {
    return this.state.fold.ledger;
  }

  /** Brings settings into force; `meanwhile` runs whenever history is asked. */
  async configure(settings: Settings, meanwhile: () => void): Promise<void> {
    this.ruling = await configure({
      config: settings.config(),
      digest: settings.digest,
      state: this.state,
      journal: remembering(this.records),
      history: historyOf(this.records, meanwhile),
      hasher: this.#hasher,
      nowMs: () => this.nowMs,
    });
  }

  planOf({ ruling, key }: Pick<Request, "ruling" | "key">): Plan {
    const plan = ruling.policy.plans.get(key as VirtualKeyId);
    if (plan === undefined) throw new Error(`no plan for ${key}`);
    return plan;
  }

  admit(request: Request): Admission {
    const plan = this.planOf(request);
    const use = plan.providers[request.provider % plan.providers.length];
    const name = this.#sessions.nameOf(plan.virtualKey, request.session, this.nowMs);
    const session = { virtualKey: plan.virtualKey, name };
    const { agent } = request;
    const windows = metersOf(plan, use)
      .filter((meter) => agent !== null || !isOfAgents(meter))
      .map((meter) => {
        const of = agent === null ? {} : { agent: this.#sessions.agentOf(session, agent) };
        return this.ledger.windowAt(meter, this.nowMs, { ...session, ...of });
      });
    const isEnforced = request.ruling.policy.mode === "enforce";
    const decided = this.#decide(request, windows, isEnforced ? "real" : "shadow");
    if ("refusal" in decided && isEnforced)
      return { hold: null, refusedBy: decided.meter, code: decided.refusal.code, maxTokens: 0 };
    const full = { maxTokens: request.asked, ...claimFor(request, request.asked) };
    const taken = isEnforced && !("refusal" in decided) ? decided : full;
    const shadow = isEnforced ? null : decided;
    const provider = use?.provider.id ?? "";
    const record = this.#admitRecord({ request, plan, provider, windows, taken, shadow });
    const hold = this.ledger.take({
      id: `${record.request}/${record.attempt}`,
      record,
      windows,
      admittedMs: this.nowMs,
      need: taken.need,
      shadowNeed: shadowNeedOf(taken, shadow),
      ...tokensHeld(windows, taken, shadow),
    });
    this.records.push(record);
    const refusedBy = "refusal" in decided ? decided.meter : null;
    return { hold, refusedBy, code: record.refusal ?? null, maxTokens: taken.maxTokens };
  }

  #decide(request: Request, windows: readonly Window[], books: Books): Decision | Short {
    const least = Math.min(request.asked, Math.max(2_000, request.floor));
    const limited = limitShortage(windows, this.nowMs, books, () => claimFor(request, least));
    const rung =
      limited === null
        ? climb({
            ...request,
            windows,
            books,
            nowMs: this.nowMs,
            claimFor: (maxTokens) => claimFor(request, maxTokens),
          })
        : { fits: false as const, shortage: limited };
    if (rung.fits) return rung;
    const refusal = explainShortage(rung.shortage, books, this.nowMs);
    return { refusal, meter: rung.shortage.window.meter.id };
  }

  #admitRecord(of: {
    readonly request: Request;
    readonly plan: Plan;
    readonly provider: string;
    readonly windows: readonly Window[];
    readonly taken: Decision;
    readonly shadow: Decision | Short | null;
  }): AdmitRecord {
    const { request, plan, provider, windows, taken, shadow } = of;
    const keys = (isMoney: boolean) =>
      windows.filter(({ meter }) => (meter.unit === "usd") === isMoney).map(({ key }) => key);
    return admitRecord({
      time: formatTime(this.nowMs),
      request: `req_${++this.#requests}`,
      customer: plan.customer,
      team: plan.team,
      owner: plan.owner,
      virtual_key: plan.virtualKey,
      session: request.session,
      agent: request.agent,
      provider,
      max_tokens: request.asked,
      clamped_max_tokens: taken.maxTokens < request.asked ? taken.maxTokens : null,
      need: String(taken.need),
      input_need: String(request.inputNeed),
      output_tokens: taken.maxTokens,
      output_pico: String(request.pricePerToken * 1000n),
      windows: keys(true),
      limits: keys(false),
      ...tokenFields(tokensHeld(windows, taken, shadow)),
      ...(shadow !== null && "refusal" in shadow ? { refusal: shadow.refusal.code } : {}),
      ...(shadow !== null && !("refusal" in shadow) ? { shadow_need: String(shadow.need) } : {}),
    });
  }

  release(hold: Hold, need: bigint, tokens: TokenNeed | null): void {
    this.ledger.release(hold, need, tokens === null ? {} : { tokens });
    const release = { ...this.#named(hold), type: "release", need: String(need) } as const;
    this.records.push(tokens === null ? release : { ...release, token_need: tokens });
  }

  settle(hold: Hold, cost: bigint, usage: Partial<Usage>): void {
    const charge = { cost, usage: { ...NO_USAGE, ...usage } };
    if (cost > hold.need)
      this.records.push({
        ...this.#named(hold),
        type: "overrun",
        held: String(hold.need),
        cost: String(cost),
      });
    this.ledger.settle(hold, charge, this.nowMs);
    this.records.push({
      ...this.#named(hold),
      type: "settle",
      cost: String(nanoUsd(cost)),
      usage: charge.usage,
      estimated: false,
      upstream_status: 200,
      upstream_request_id: null,
      fault: null,
      end: { outcome: "ok", status: 200, latency_ms: 0, first_byte_ms: 0, overhead_us: 0 },
    });
  }

  cancel(hold: Hold): void {
    this.ledger.cancel(hold, this.nowMs);
    this.records.push({ ...this.#named(hold), type: "cancel", reason: "refused" });
  }

  /** Replaces the cost of a settled attempt in the windows with these keys. */
  correct(record: AdmitRecord, cost: bigint, to: { delta: bigint; windows: string[] }): void {
    const correction = {
      time: formatTime(this.nowMs),
      type: "correction",
      request: record.request,
      attempt: record.attempt,
      cost: String(cost),
      delta: String(to.delta),
      admitted: record.time,
      windows: to.windows,
      reason: "invoice",
      actor: "admin",
    } as const;
    applyRecord(this.state.fold, correction);
    this.records.push(correction);
  }

  /** What retention does once an hour; gives the windows' keys. */
  closeIdleSessions(): string[] {
    const windows = this.ledger.closeIdleSessions(this.nowMs - THIRTY_DAYS_MS);
    if (windows.length > 0)
      this.records.push({ time: formatTime(this.nowMs), type: "session_closed", windows });
    return windows;
  }

  #named({ record }: Hold) {
    const { request, attempt } = record;
    return { time: formatTime(this.nowMs), request, attempt };
  }
}

/** What an attempt is counted by: the chain, and the account behind the provider's key. */
function metersOf(plan: Plan, use: PlanProvider | undefined): readonly Meter[] {
  if (use === undefined) return plan.meters;
  return [...plan.meters, ...use.meters, ...(use.accounts.get(PROVIDER_KEY) ?? [])];
}

function claimFor(need: Need, maxTokens: number): Claim {
  return claimOf(needFor(need, maxTokens), { input: need.inputTokens, output: maxTokens });
}

/** Tokens are held where the chain limits them. */
function tokensHeld(
  windows: readonly Window[],
  taken: Decision,
  shadow: Decision | Short | null,
): { readonly tokens?: TokenNeed; readonly shadowTokens?: TokenNeed } {
  if (!holdTokens(windows)) return {};
  const { tokens } = taken;
  return { tokens, shadowTokens: shadow === null || "refusal" in shadow ? tokens : shadow.tokens };
}

function tokenFields({ tokens, shadowTokens }: ReturnType<typeof tokensHeld>) {
  return {
    ...(tokens === undefined ? {} : { token_need: tokens }),
    ...(shadowTokens === undefined ? {} : { shadow_token_need: shadowTokens }),
  };
}

export function needFor(need: Need, maxTokens: number): bigint {
  return need.inputNeed + BigInt(maxTokens) * need.pricePerToken;
}

function shadowNeedOf(taken: Decision, shadow: Decision | Short | null): bigint | null {
  if (shadow === null) return taken.need;
  return "refusal" in shadow ? null : shadow.need;
}
