/** What is known of every provider and key, learnt from attempts: who may be asked, and how soon again. */
import type { Clock } from "../../core/time.ts";
import { formatTime } from "../../core/time.ts";
import { errorRow, type ErrorClass } from "../attempts/error-class.ts";
import { chooseKey, lastResortKey, type KeyChoice, type WeightedKey } from "./choose-key.ts";
import { Gate } from "./gate.ts";
import { Latencies, movingMean } from "./latency.ts";
import { readSnapshot, type HealthSnapshot, type SavedProvider } from "./snapshot.ts";

/** One attempt that was let through; handed back with its outcome, or abandoned. */
export interface Pick {
  readonly provider: string;
  /** Null where the provider needs no key. */
  readonly key: string | null;
  readonly model: string;
  /** Something was shut, and this attempt is how it is found out whether it is well again. */
  readonly probe: boolean;
  /** Monotonic milliseconds. */
  readonly beganMs: number;
}

export interface PickRequest {
  readonly provider: string;
  /** Those that may serve the model; empty where the provider needs none. */
  readonly keys: readonly WeightedKey[];
  /** As the provider names it. */
  readonly model: string;
  /** Uniform in [0, 1): the draw by weight. */
  readonly draw: number;
  /** The key that the session used before; null: none. */
  readonly preferred: string | null;
  /** No other target is left: what is merely failing, or on its way back, is asked all the same. */
  readonly lastResort: boolean;
  /** The attempt begins only after so long, and only then has to be let through. Default: at once. */
  readonly inMs?: number;
}

/** What an attempt's end said besides its class. */
export interface OutcomeDetail {
  /** Null where no head came. */
  readonly status: number | null;
  /** For how long the provider wants to be left alone; null: it does not say. */
  readonly retryAfterMs: number | null;
  /** From the request's start to the answer's first content; null: none came. */
  readonly firstContentMs: number | null;
}

interface KeyState {
  readonly gate: Gate;
  /** Why its provider refuses it now. */
  refusal: { readonly status: number; readonly atMs: number } | null;
}

interface ProviderState {
  readonly gate: Gate;
  readonly keys: Map<string, KeyState>;
  /** Only of models that it said it had not. */
  readonly models: Map<string, Gate>;
  /** Attempts that have told nothing yet, oldest first. */
  readonly waiting: Set<Pick>;
  lastOkMs: number;
  /** A moving mean of the time to the first content over all models; 0: none was observed. */
  meanMs: number;
}

/** It hangs where so many attempts have waited for so long, and none has succeeded meanwhile. */
const HANGING_FEW = 3;
const HANGING_FEW_MS = 60_000;
/** Many are believed sooner: all of them may need an extra attempt, and those are counted. */
const HANGING_MANY = 10;
const HANGING_MANY_MS = 5_000;
const HANGING_MEANS = 5;
/** Attempts that nobody reports must not fill the memory. */
const WAITING_MAX = 10_000;

/** Names of models come from clients. */
const MODELS_MAX = 200;

export interface HealthParts {
  readonly clock: Clock;
  /** From 0 to 1: how much of the node's budget of extra attempts is used. */
  readonly pressure: () => number;
}

/** Decisions take no time to speak of: a few look-ups and one object. Nothing here waits or does I/O. */
export class Health {
  readonly #clock: Clock;
  readonly #pressure: () => number;
  readonly #providers = new Map<string, ProviderState>();
  readonly #latencies = new Latencies();

  constructor({ clock, pressure }: HealthParts) {
    this.#clock = clock;
    this.#pressure = pressure;
  }

  /** Lets an attempt through, with the key to use; null: ask another target. Report it, or abandon it. */
  pick(request: PickRequest): Pick | null {
    const { provider, model, lastResort, inMs = 0 } = request;
    const state = this.#state(provider);
    shutIfHanging(state, this.#clock.monotonicMs());
    const nowMs = this.#clock.monotonicMs() + inMs;
    const models = state.models.get(model);
    const isShut = state.gate.passage(nowMs) === "no" || models?.passage(nowMs) === "no";
    if (isShut && !lastResort) return null;
    const choice: KeyChoice<WeightedKey> = {
      keys: request.keys.length === 0 ? NO_KEY : request.keys,
      gateOf: (id) => state.keys.get(id)?.gate,
      nowMs,
      draw: request.draw,
      share: state.gate.share(nowMs),
      preferred: request.preferred,
    };
    const key = lastResort ? lastResortKey(choice) : chooseKey(choice);
    if (key === null) return null;
    const probe = beginProbes([state.gate, models, state.keys.get(key.id)?.gate], nowMs);
    const used = request.keys.length === 0 ? null : key.id;
    const pick = { provider, key: used, model, probe, beganMs: nowMs };
    if (state.waiting.size < WAITING_MAX) state.waiting.add(pick);
    return pick;
  }

  /**
   * Learns from an attempt. Say `ok` as soon as the first content has come, so that a probe does not last
   * as long as its answer; a cut that follows is a second report.
   */
  report(pick: Pick, outcome: ErrorClass | "ok", detail: OutcomeDetail): void {
    const nowMs = this.#clock.monotonicMs();
    const state = this.#state(pick.provider);
    const row = outcome === "ok" ? null : errorRow(outcome);
    state.waiting.delete(pick);
    if (outcome === "ok") state.lastOkMs = nowMs;
    if (row?.countsForProvider === true)
      state.gate.failed(pick.beganMs, nowMs, this.#pressure(), detail.retryAfterMs);
    else state.gate.succeeded(pick.beganMs, nowMs);
    this.#learnKey(state, pick, outcome, detail);
    this.#learnModel(state, pick, outcome);
    if (outcome === "ok" && detail.firstContentMs !== null) {
      this.#latencies.observe(pick.provider, pick.model, detail.firstContentMs);
      state.meanMs = movingMean(state.meanMs === 0 ? null : state.meanMs, detail.firstContentMs);
    }
  }

  /** The attempt ended without telling anything: the client hung up, or it was never sent. */
  abandon(pick: Pick): void {
    const state = this.#providers.get(pick.provider);
    state?.waiting.delete(pick);
    state?.gate.endProbe(pick.beganMs);
    state?.models.get(pick.model)?.endProbe(pick.beganMs);
    state?.keys.get(pick.key ?? "")?.gate.endProbe(pick.beganMs);
  }

  /** The earliest moment (monotonic) from which a request could pass here; now, where one passes now. */
  usableAtMs(provider: string, keys: readonly WeightedKey[]): number {
    const nowMs = this.#clock.monotonicMs();
    const state = this.#providers.get(provider);
    if (state === undefined) return nowMs;
    let first = keys.length === 0 ? nowMs : Number.POSITIVE_INFINITY;
    for (const { id } of keys) {
      first = Math.min(first, state.keys.get(id)?.gate.usableAtMs(nowMs) ?? nowMs);
    }
    return Math.max(first, state.gate.usableAtMs(nowMs));
  }

  /**
   * For how many milliseconds a key rests that its provider has refused for its rate; 0: it does not.
   * Infinity where it is out for another reason, for which nobody but a probe may ask it.
   */
  restMs(provider: string, key: string | null): number {
    const gate = this.#providers.get(provider)?.keys.get(key ?? "")?.gate;
    if (gate === undefined || gate.reason === null) return 0;
    const nowMs = this.#clock.monotonicMs();
    const isOut = gate.reason === "credential" || gate.reason === "out_of_credit";
    if (isOut) return gate.passage(nowMs) === "no" ? Infinity : 0;
    return gate.restMs(nowMs);
  }

  /** True where the provider and at least one of the keys take all of their usual traffic. */
  isHealthy(provider: string, keys: readonly WeightedKey[]): boolean {
    const nowMs = this.#clock.monotonicMs();
    const state = this.#providers.get(provider);
    if (state === undefined) return true;
    const isOpen = (gate: Gate | undefined) => (gate?.passage(nowMs) ?? "open") === "open";
    if (!isOpen(state.gate)) return false;
    return keys.length === 0 || keys.some(({ id }) => isOpen(state.keys.get(id)?.gate));
  }

  /** A moving mean of the time to first content; null where nothing has been observed. */
  latencyMs(provider: string, model: string): number | null {
    return this.#latencies.of(provider, model);
  }

  /** Sentences about keys that their provider refuses now. */
  troubles(): readonly string[] {
    const sentences: string[] = [];
    for (const [provider, { keys }] of this.#providers) {
      for (const [key, { gate, refusal }] of keys) {
        if (refusal === null) continue;
        const remedy =
          gate.reason === "out_of_credit"
            ? "its account needs credit"
            : "check the secret that its configuration names";
        sentences.push(
          `provider ${provider} refused key ${key} with ${refusal.status} at ${formatTime(refusal.atMs)}; ${remedy}`,
        );
      }
    }
    return sentences;
  }

  /** Forgets a key whose secret was changed or that is gone; without a key, the whole provider. */
  forget(provider: string, key: string | null = null): void {
    if (key === null) this.#providers.delete(provider);
    else this.#providers.get(provider)?.keys.delete(key);
  }

  /** Plain JSON of what must outlive a restart: whatever is shut, and the latencies. */
  snapshot(): HealthSnapshot {
    const nowMs = this.#clock.monotonicMs();
    const providers: Record<string, SavedProvider> = {};
    for (const [id, state] of this.#providers) {
      const keys: SavedProvider["keys"][number][] = [];
      for (const [key, { gate, refusal }] of state.keys) {
        const saved = gate.saved(nowMs);
        if (saved !== null) keys.push({ id: key, gate: saved, refusal });
      }
      providers[id] = { gate: state.gate.saved(nowMs), keys };
    }
    const latencies = this.#latencies.saved();
    return { version: 1, savedAtMs: this.#clock.wallMs(), providers, latencies };
  }

  /** Takes over a snapshot as it was read from a file; what is stale or malformed is left out. */
  restore(snapshot: unknown): void {
    const nowMs = this.#clock.monotonicMs();
    const read = readSnapshot(snapshot, this.#clock.wallMs());
    if (read === null) return;
    for (const [id, saved] of Object.entries(read.providers)) {
      const state = this.#state(id);
      if (saved.gate !== null) state.gate.restore(saved.gate, nowMs);
      for (const { id: key, gate, refusal } of saved.keys) {
        const known = keyStateOf(state, key);
        known.gate.restore(gate, nowMs);
        known.refusal = refusal;
      }
    }
    this.#latencies.restore(read.latencies);
  }

  #learnKey(
    state: ProviderState,
    pick: Pick,
    outcome: ErrorClass | "ok",
    detail: OutcomeDetail,
  ): void {
    const nowMs = this.#clock.monotonicMs();
    const known = keyStateOf(state, pick.key ?? "");
    const row = outcome === "ok" ? null : errorRow(outcome);
    if (row === null || (row.key === "stays" && !row.countsForProvider)) {
      if (known.gate.succeeded(pick.beganMs, nowMs)) known.refusal = null;
    } else if (outcome === "rate_limited") {
      known.gate.shut("rate_limited", pick.beganMs, nowMs, detail.retryAfterMs);
      known.refusal = null;
    } else if (outcome === "out_of_credit" || outcome === "credential") {
      const wishMs = outcome === "credential" ? null : detail.retryAfterMs;
      known.gate.shut(outcome, pick.beganMs, nowMs, wishMs);
      const status = detail.status ?? 0;
      if (pick.key !== null) known.refusal = { status, atMs: this.#clock.wallMs() };
    } else if (row.countsForKey)
      known.gate.failed(pick.beganMs, nowMs, this.#pressure(), detail.retryAfterMs);
    else known.gate.endProbe(pick.beganMs);
  }

  #learnModel(state: ProviderState, pick: Pick, outcome: ErrorClass | "ok"): void {
    const known = state.models.get(pick.model);
    if (outcome === "model_missing") {
      const nowMs = this.#clock.monotonicMs();
      const gate = known ?? new Gate();
      gate.shut("model_missing", pick.beganMs, nowMs);
      state.models.set(pick.model, gate);
      const oldest = state.models.keys().next();
      if (state.models.size > MODELS_MAX && oldest.done !== true) state.models.delete(oldest.value);
    } else if (outcome === "ok") state.models.delete(pick.model);
    else known?.endProbe(pick.beganMs);
  }

  #state(provider: string): ProviderState {
    const known = this.#providers.get(provider);
    if (known !== undefined) return known;
    const state: ProviderState = {
      gate: new Gate(),
      keys: new Map(),
      models: new Map(),
      waiting: new Set(),
      lastOkMs: Number.NEGATIVE_INFINITY,
      meanMs: 0,
    };
    this.#providers.set(provider, state);
    return state;
  }
}

/** Stands for the credential of a provider that needs none. */
const NO_KEY: readonly WeightedKey[] = [{ id: "", weight: 1 }];

/** Time-outs are long: a provider that takes requests and answers none is found out before they end. */
function shutIfHanging(state: ProviderState, nowMs: number): void {
  const manyMs = Math.max(HANGING_MANY_MS, HANGING_MEANS * state.meanMs);
  const longMs = Math.min(manyMs, HANGING_FEW_MS);
  let count = 0;
  let isHanging = false;
  for (const { beganMs } of state.waiting) {
    const waitedMs = nowMs - beganMs;
    if (state.lastOkMs >= beganMs || waitedMs < longMs) return;
    count++;
    isHanging = count >= (waitedMs >= HANGING_FEW_MS ? HANGING_FEW : HANGING_MANY);
    if (isHanging) break;
  }
  if (!isHanging) return;
  state.gate.shut("failing", nowMs, nowMs);
  state.waiting.clear();
}

function keyStateOf(state: ProviderState, key: string): KeyState {
  const known = state.keys.get(key);
  if (known !== undefined) return known;
  const fresh: KeyState = { gate: new Gate(), refusal: null };
  state.keys.set(key, fresh);
  return fresh;
}

/** Whether one of the gates lets this attempt through as its probe. */
function beginProbes(gates: readonly (Gate | undefined)[], nowMs: number): boolean {
  let isProbe = false;
  for (const gate of gates) {
    if (gate?.passage(nowMs) !== "probe") continue;
    gate.beginProbe(nowMs);
    isProbe = true;
  }
  return isProbe;
}
