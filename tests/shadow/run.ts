/** Runs a recorded workload through the gateway's own admission and settlement, in virtual time. */
import assert from "node:assert/strict";
import { isRefusal } from "../../src/core/refusal.ts";
import { NO_USAGE } from "../../src/core/usage.ts";
import { learn, releaseInput } from "../../src/gateway/attempt.ts";
import type { Exchange } from "../../src/gateway/exchange.ts";
import { recordSettlement } from "../../src/gateway/record.ts";
import type { Relayed } from "../../src/gateway/relay.ts";
import { settlementOf } from "../../src/gateway/settle.ts";
import type { Admitted } from "../../src/gateway/take.ts";
import { billedOnce, NOTHING_READ, type Reading } from "../../src/wire/answer.ts";
import { scanMessagesBody } from "../../src/wire/anthropic/scan.ts";
import type { MessagesBody } from "../../src/wire/anthropic/body.ts";
import { Admission } from "../e2e/admission.ts";
import { capsOf, KEYS, START_MS, type Recorded } from "./workload.ts";

/** What became of one request, or would have: the words that both runs have in common. */
export interface Fate {
  readonly code: string | null;
  readonly by: string | null;
  readonly clamped: number | null;
  /** Its hold in nano-dollars; null where it has none. */
  readonly need: bigint | null;
}

/** Who observes in a run. */
export type Observed = "nobody" | "gateway" | "team";

/** The file of a workload's caps. */
export function documentOf(seed: number, observed: Observed, customer: object | null = null) {
  const caps = capsOf(seed);
  const { budgets, rate_limits } = caps.key;
  return {
    ...(observed === "gateway" ? { mode: "observe" } : {}),
    customers: [{ id: "acme", ...(customer ?? caps.customer) }],
    teams: [
      {
        id: "platform",
        customer: "acme",
        ...caps.team,
        ...(observed === "team" ? { mode: "observe" } : {}),
      },
    ],
    virtual_keys: KEYS.map((id) => ({
      id,
      team: "platform",
      secret: `env:KEY_${id.toUpperCase()}`,
      budgets: [...budgets, ...caps.session],
      rate_limits,
    })),
  };
}

const SECRETS = Object.fromEntries(
  KEYS.map((id) => [`KEY_${id.toUpperCase()}`, `vk_${id}0123456789abcdefghijkl`]),
);

/** A gateway without a door that counts, at which nobody waits. */
export function openFor(document: object): Promise<Admission> {
  const timers = { tick: () => undefined };
  const options = {
    key: {},
    document,
    secrets: SECRETS,
    budgetWaitMs: 0,
    startMs: START_MS,
    timers,
  };
  return Admission.open(options);
}

interface Event {
  readonly atMs: number;
  readonly run: () => void | Promise<void>;
}

/**
 * The fates of all requests, in their order, and how many were refused for real.
 *
 * @param each Called after every event.
 */
export async function runWorkload(
  admission: Admission,
  workload: readonly Recorded[],
  each: () => void = () => undefined,
): Promise<{ readonly fates: Fate[]; readonly refused: number }> {
  const fates: Fate[] = [];
  let refused = 0;
  const events: Event[] = workload.map((recorded) => ({
    atMs: recorded.atMs,
    run: async () => {
      const { fate, later } = await arrive(admission, recorded);
      fates.push(fate);
      if (later.length === 0) refused++;
      for (const event of later) insert(events, event);
    },
  }));
  for (let event = events.shift(); event !== undefined; event = events.shift()) {
    admission.jumpTo(event.atMs);
    await event.run();
    each();
  }
  return { fates, refused };
}

/** Behind all that happen no later. */
function insert(events: Event[], event: Event): void {
  const at = events.findIndex(({ atMs }) => atMs > event.atMs);
  events.splice(at < 0 ? events.length : at, 0, event);
}

async function arrive(
  admission: Admission,
  recorded: Recorded,
): Promise<{ readonly fate: Fate; readonly later: readonly Event[] }> {
  const { body: bytes, session, key } = recorded;
  const secret = SECRETS[`KEY_${key.toUpperCase()}`] ?? "";
  const { exchange, result } = admission.ask({ body: bytes, session, secret });
  const admitted = await result;
  if (isRefusal(admitted)) {
    const { code, by = null } = admitted;
    return { fate: { code, by, clamped: null, need: null }, later: [] };
  }
  exchange.attempts++;
  admission.records.push(admitted.hold.record);
  const scanned = scanMessagesBody([bytes]);
  assert.ok(scanned.ok);
  const served = { exchange, admitted, body: scanned.body, recorded };
  const later = [
    { atMs: recorded.atMs + recorded.startsAfterMs, run: () => start(admission, served) },
    { atMs: recorded.atMs + recorded.endsAfterMs, run: () => end(admission, served) },
  ];
  return { fate: fateOf(admitted), later };
}

/** What enforcement did, or what the shadow says that it would have done. */
function fateOf({ hold, clamped, shadow }: Admitted): Fate {
  const { record, need } = hold;
  if (record.refusal !== undefined)
    return { code: record.refusal, by: record.refusal_by ?? null, clamped: null, need: null };
  if (shadow === null) return { code: null, by: null, clamped, need };
  const shadowNeed = BigInt(record.shadow_need ?? "-1");
  return { code: null, by: null, clamped: record.shadow_max_tokens ?? null, need: shadowNeed };
}

interface Served {
  readonly exchange: Exchange;
  readonly admitted: Admitted;
  readonly body: MessagesBody;
  readonly recorded: Recorded;
}

function start({ gateway }: Admission, { exchange, admitted, body, recorded }: Served): void {
  const { inputTokens } = recorded;
  const billed = billedOnce({ ...NO_USAGE, input_tokens: inputTokens, output_tokens: 1 }, false);
  releaseInput({ exchange, admitted, body }, billed, gateway);
}

async function end({ gateway, ruling }: Admission, served: Served): Promise<void> {
  const { exchange, admitted, body, recorded } = served;
  const reading = readingOf(recorded, admitted.maxTokens);
  const relayed: Relayed = {
    status: 200,
    upstreamHeaders: {},
    failure: recorded.isCut ? { kind: "reset", sent: true, detail: "" } : null,
    complete: !recorded.isCut,
    clientGone: false,
    reading,
    seconds: recorded.endsAfterMs / 1000,
    answered: true,
    held: [],
  };
  const countInput = () => Promise.resolve(null);
  const settlement = await settlementOf(admitted, relayed, { book: ruling.prices, countInput });
  learn({ admitted, body }, relayed, gateway);
  recordSettlement({ exchange, admitted, settlement, relayed, end: null }, gateway);
}

/** `max_tokens` cuts the answer. */
function readingOf({ inputTokens, outputTokens, isCut }: Recorded, maxTokens: number): Reading {
  const output = isCut ? 0 : Math.min(outputTokens, maxTokens);
  const usage = { ...NO_USAGE, input_tokens: inputTokens, output_tokens: output };
  return {
    ...NOTHING_READ,
    started: true,
    final: !isCut,
    billed: billedOnce(usage, false),
    stopReason: outputTokens > maxTokens ? "max_tokens" : "end_turn",
    isAnswer: true,
  };
}
