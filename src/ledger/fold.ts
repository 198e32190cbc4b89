/** Replays journal records into a ledger: the way in which every start finds its counters again. */
import type {
  AdmitRecord,
  ConfigRecord,
  CorrectionRecord,
  JournalRecord,
  SettleRecord,
} from "../journal/record.ts";
import type { Charge } from "./amounts.ts";
import type { Ledger } from "./ledger.ts";
import { NO_TOKENS } from "./state.ts";

export interface FoldState {
  readonly ledger: Ledger;
  mode: "enforce" | "observe";
  /** Of the configuration in force; null before the first. */
  digest: string | null;
  /** Requests that have begun and not ended, by request id: attempts so far. */
  readonly openRequests: Map<string, AdmitRecord>;
}

/** Applies one record. Records that say nothing about money change nothing. */
export function applyRecord(state: FoldState, record: JournalRecord): void {
  const { ledger } = state;
  const timeMs = Date.parse(record.time);
  switch (record.type) {
    case "admit":
      state.openRequests.set(record.request, record);
      return applyAdmit(ledger, record, timeMs);
    case "release": {
      const hold = ledger.hold(`${record.request}/${record.attempt}`);
      if (hold !== undefined)
        ledger.release(hold, BigInt(record.need), {
          shadowNeed: BigInt(record.shadow_need ?? record.need),
          tokens: record.token_need ?? hold.tokens,
          shadowTokens: record.shadow_token_need ?? record.token_need ?? hold.shadowTokens,
        });
      return;
    }
    case "settle": {
      if (record.end !== null) state.openRequests.delete(record.request);
      const hold = ledger.hold(`${record.request}/${record.attempt}`);
      if (hold === undefined) return;
      return ledger.settle(hold, chargeOf(record), timeMs);
    }
    case "cancel": {
      const hold = ledger.hold(`${record.request}/${record.attempt}`);
      return hold === undefined ? undefined : ledger.cancel(hold, timeMs);
    }
    case "refuse":
      state.openRequests.delete(record.request);
      return;
    case "correction":
      return applyCorrection(ledger, record);
    case "config":
      return applyConfig(state, record, timeMs);
    case "session_closed":
      for (const key of record.windows) ledger.closeWindow(key);
      return;
    case "overrun":
    case "cap_lowered":
    case "gap":
    case "admin_change":
    case "finding":
    case "retired":
      return;
  }
}

function applyAdmit(ledger: Ledger, record: AdmitRecord, timeMs: number): void {
  // Only what observe mode admits says what enforcement would have done otherwise.
  const shadow = record.refusal === undefined ? (record.shadow_need ?? record.need) : null;
  ledger.take({
    id: `${record.request}/${record.attempt}`,
    record,
    windows: [...record.limits, ...record.windows].map((key) => ledger.windowByKey(key, timeMs)),
    admittedMs: timeMs,
    need: BigInt(record.need),
    shadowNeed: shadow === null ? null : BigInt(shadow),
    tokens: record.token_need ?? NO_TOKENS,
    shadowTokens: record.shadow_token_need ?? record.token_need ?? NO_TOKENS,
  });
}

function chargeOf({ cost, usage, shadow }: SettleRecord): Charge {
  const charge = { cost: BigInt(cost), usage };
  if (shadow === undefined) return charge;
  return {
    ...charge,
    shadow: { cost: BigInt(shadow.cost), outputTokens: shadow.output_tokens },
  };
}

/** A window that has ended, or a session that was closed, has nothing left to correct. */
function applyCorrection(ledger: Ledger, record: CorrectionRecord): void {
  const delta = BigInt(record.delta);
  const shadowDelta = BigInt(record.shadow_delta ?? delta);
  for (const key of record.windows) {
    const window = ledger.window(key);
    if (window !== undefined)
      ledger.addSettled(window, delta, Date.parse(record.admitted), shadowDelta);
  }
}

/** Applies a `config` record: the live path calls it too, so that replay gives the same. */
export function applyConfig(state: FoldState, record: ConfigRecord, timeMs: number): void {
  const { ledger } = state;
  // Live, `Ledger.configure` has done these three already.
  for (const id of record.meters_removed) ledger.forget(id);
  for (const id of record.meters_added) ledger.track(id);
  const caps = Object.entries(record.caps ?? {}).map(([id, cap]) => [id, BigInt(cap)] as const);
  ledger.setCaps(new Map(caps), timeMs);
  for (const opening of record.opened) {
    const window = ledger.windowByKey(opening.window, timeMs);
    ledger.addSettled(window, BigInt(opening.amount), Date.parse(opening.at));
  }
  for (const [id, keys] of Object.entries(record.adopted)) {
    const hold = ledger.hold(id);
    if (hold !== undefined)
      for (const key of keys) ledger.adopt(hold, ledger.windowByKey(key, timeMs));
  }
  applyShadow(state, record);
  state.mode = record.mode;
  state.digest = record.digest;
}

/** A gateway in observe mode has the shadow of every meter; else the record names the meters. */
function applyShadow({ ledger, mode }: FoldState, record: ConfigRecord): void {
  const added = new Set(record.meters_added);
  if (record.mode === "observe") return ledger.startShadow(undefined, added);
  // Nothing is named where all of it ends.
  if (record.shadow_ended !== undefined) ledger.endShadow(record.shadow_ended);
  else if (mode === "observe") ledger.endShadow();
  const { shadow_started: started } = record;
  if (started !== undefined && started.length > 0) ledger.startShadow(started, added);
}
