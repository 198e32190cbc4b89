/** The saved form of health: what it looks like in its file, and what of it may still be believed. */
import type { SavedGate, ShutReason } from "./gate.ts";
import type { SavedLatency } from "./latency.ts";

interface SavedKey {
  readonly id: string;
  readonly gate: SavedGate;
  readonly refusal: { readonly status: number; readonly atMs: number } | null;
}

export interface SavedProvider {
  readonly gate: SavedGate | null;
  readonly keys: readonly SavedKey[];
}

export interface HealthSnapshot {
  readonly version: 1;
  /** Unix milliseconds. */
  readonly savedAtMs: number;
  readonly providers: Readonly<Record<string, SavedProvider>>;
  readonly latencies: readonly SavedLatency[];
}

/** What was shut until longer ago than this is no news. */
const STALE_MS = 3_600_000;
/** No pause is longer, so that no file can shut a key for good. */
const LEFT_MAX_MS = 86_400_000;
const REASONS: ReadonlySet<unknown> = new Set<ShutReason>([
  "failing",
  "rate_limited",
  "out_of_credit",
  "credential",
  "model_missing",
]);

/**
 * Reads a snapshot at `nowMs` (Unix milliseconds), with `leftMs` moved on by the time since. Null where it
 * is none, of another version, or saved in the future; entries that are stale or malformed are left out.
 */
export function readSnapshot(value: unknown, nowMs: number): HealthSnapshot | null {
  if (!isRecord(value) || value["version"] !== 1) return null;
  const { savedAtMs, providers, latencies } = value;
  if (!isFinite(savedAtMs) || savedAtMs > nowMs || !isRecord(providers)) return null;
  const elapsedMs = nowMs - savedAtMs;
  const read: Record<string, SavedProvider> = {};
  for (const [id, saved] of Object.entries(providers)) {
    if (!isRecord(saved) || !Array.isArray(saved["keys"])) continue;
    const keys = saved["keys"].flatMap((key: unknown) => readKey(key, elapsedMs));
    read[id] = { gate: readGate(saved["gate"], elapsedMs), keys };
  }
  const means = Array.isArray(latencies) ? latencies.filter(isLatency) : [];
  return { version: 1, savedAtMs, providers: read, latencies: means };
}

function readKey(value: unknown, elapsedMs: number): readonly SavedKey[] {
  if (!isRecord(value) || typeof value["id"] !== "string") return [];
  const gate = readGate(value["gate"], elapsedMs);
  if (gate === null) return [];
  const refusal = isRecord(value["refusal"]) ? value["refusal"] : {};
  const { status, atMs } = refusal;
  const isRefusal = isFinite(status) && isFinite(atMs);
  return [{ id: value["id"], gate, refusal: isRefusal ? { status, atMs } : null }];
}

function readGate(value: unknown, elapsedMs: number): SavedGate | null {
  if (!isRecord(value)) return null;
  const { reason, leftMs, pauseMs } = value;
  if (!isReason(reason) || !isFinite(leftMs) || !isFinite(pauseMs)) return null;
  const stillMs = Math.min(leftMs, LEFT_MAX_MS) - elapsedMs;
  return stillMs < -STALE_MS ? null : { reason, leftMs: stillMs, pauseMs: Math.max(0, pauseMs) };
}

function isReason(value: unknown): value is ShutReason {
  return REASONS.has(value);
}

function isFinite(value: unknown): value is number {
  return Number.isFinite(value);
}

function isLatency(value: unknown): value is SavedLatency {
  return Array.isArray(value) && typeof value[0] === "string" && isFinite(value[1]);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
