/** Limits that hold by reservation, on random chains: never above a cap, and a true time to come back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { NO_USAGE } from "../../src/core/usage.ts";
import { claimOf, claimShortage, isBusy, limitShortage } from "../../src/ledger/decide.ts";
import type { Claim, Shortage } from "../../src/ledger/decide.ts";
import { type Hold, Ledger } from "../../src/ledger/ledger.ts";
import { meterId } from "../../src/ledger/meter.ts";
import type { MeterDefinition, Window } from "../../src/ledger/state.ts";
import { PERIOD_MS } from "./model.ts";
import { admitRecord } from "./records.ts";

const RUNS = 400;
const STEPS_MAX = 80;
const UNITS = ["usd", "cost", "input_tokens", "output_tokens", "requests", "concurrent"] as const;
const SESSION = { virtualKey: "ada", name: "s", agent: "a" };

const calendar = fc.record({
  kind: fc.constant("calendar" as const),
  per: fc.constantFrom("second", "minute", "hour", "day", "month"),
  timeZone: fc.constantFrom("UTC", "Asia/Kathmandu", "America/Santiago"),
});
const span = fc.oneof(
  { weight: 4, arbitrary: calendar },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      { kind: "rolling", spanMs: 7_000, text: "7s" } as const,
      { kind: "rolling", spanMs: 18_000_000, text: "5h" } as const,
    ),
  },
  fc.constantFrom({ kind: "total" }, { kind: "session" }, { kind: "subagent" } as const),
);
const meter: fc.Arbitrary<MeterDefinition> = fc
  .record({
    scope: fc.constantFrom(
      { type: "virtual_key", id: "ada" } as const,
      { type: "team", id: "platform" } as const,
    ),
    unit: fc.constantFrom(...UNITS),
    span,
    cap: fc.bigInt({ min: 0n, max: 3_000n }),
    burst: fc.option(fc.integer({ min: 1, max: 2_000 })),
  })
  .map((of) => {
    const isCounted = of.unit === "requests" || of.unit === "concurrent";
    const hasBucket = of.span.kind === "calendar" && of.unit !== "usd" && of.unit !== "concurrent";
    return {
      ...of,
      span: of.unit === "concurrent" ? null : of.span,
      cap: isCounted ? of.cap / 300n : of.cap,
      burst: hasBucket ? of.burst : null,
      overshoot: "none",
    };
  });

interface Step {
  readonly kind: "admit" | "settle" | "release" | "cancel" | "advance" | "wait";
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

const number = fc.nat({ max: 0xffff });
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(
    ...(["admit", "admit", "admit", "settle", "settle", "release", "cancel"] as const),
    ...(["advance", "wait"] as const),
  ),
  a: number,
  b: number,
  c: number,
});

/** A chain of windows, and what is done to it; the clock is a number. */
class Chain {
  readonly ledger = new Ledger();
  readonly #ids: readonly string[];
  readonly #startMs = Date.parse("2026-10-24T20:00:00Z");
  readonly open: Hold[] = [];
  nowMs = this.#startMs;
  /** The last refusal's time to come back, and what it refused. */
  retry: { readonly atMs: number; readonly claim: Claim } | null = null;
  #requests = 0;

  constructor(definitions: readonly MeterDefinition[]) {
    this.ledger.configure(definitions, this.nowMs);
    this.#ids = [...new Set(definitions.map(meterId))];
    this.windows();
  }

  windows(nowMs = this.nowMs): Window[] {
    return this.#ids.map((id) => {
      const known = this.ledger.meter(id);
      assert.ok(known !== undefined);
      return this.ledger.windowAt(known, nowMs, SESSION);
    });
  }

  shortage(claim: Claim, nowMs = this.nowMs): Shortage | null {
    const windows = this.windows(nowMs);
    const limited = limitShortage(windows, nowMs, "real", () => claim);
    return limited ?? claimShortage(windows, claim, { nowMs, books: "real" });
  }

  take({ need, tokens }: Claim): void {
    const request = `req_${++this.#requests}`;
    const time = new Date(this.nowMs).toISOString();
    const windows = this.windows();
    const [admittedMs, id] = [this.nowMs, `${request}/1`];
    const record = admitRecord({ time, request });
    const of = { id, record, windows, admittedMs, need, tokens, shadowNeed: need };
    this.open.push(this.ledger.take(of));
  }

  /** Nothing that a window counts is above what it may have; buckets have given no more than has come. */
  assertKept(): void {
    for (const window of this.ledger.windows()) {
      const { key, meter: of, settled, held, level } = window;
      const cap = of.cap ?? 0n;
      if (level === null) {
        assert.ok(settled + held <= cap, `${key}: ${settled} and ${held} of ${cap}`);
        continue;
      }
      assert.ok(level.amount >= 0n, key);
      const periodMs = of.span?.kind === "calendar" ? PERIOD_MS[of.span.per] : 1;
      const come = BigInt(this.nowMs - this.#startMs) * cap;
      const most = BigInt(of.burst ?? 0) * BigInt(periodMs) + come;
      assert.ok((settled + held) * BigInt(periodMs) <= most, `${key} gave more than it had`);
    }
  }
}

function run(chain: Chain, { kind, a, b, c }: Step, met: Map<string, number>): void {
  const count = (what: string) => met.set(what, (met.get(what) ?? 0) + 1);
  const hold = chain.open[a % Math.max(1, chain.open.length)];
  switch (kind) {
    case "admit": {
      const claim = claimOf(BigInt(a % 900), { input: b % 900, output: 1 + (c % 900) });
      const shortage = chain.shortage(claim);
      count(shortage?.code ?? "admitted");
      chain.retry = null;
      if (shortage === null) return chain.take(claim);
      const { resetMs, code } = shortage;
      if (code === "rate_limited" && resetMs !== null) chain.retry = { atMs: resetMs, claim };
      return assertTrue(chain, count);
    }
    case "settle": {
      if (hold === undefined) return;
      chain.open.splice(chain.open.indexOf(hold), 1);
      const { need, tokens } = hold;
      const cost = (need * BigInt(b % 101)) / 100n;
      const input = Math.floor((tokens.input * (c % 101)) / 100);
      const output = Math.floor((tokens.output * (b % 101)) / 100);
      const written = { cache_write_5m_input_tokens: Math.floor(input / 3) };
      const read = { input_tokens: input - written.cache_write_5m_input_tokens };
      const usage = { ...NO_USAGE, ...read, ...written, output_tokens: output };
      // What is read from the cache is no input of a limit.
      const charge = { cost, usage: { ...usage, cache_read_input_tokens: 100_000 } };
      return chain.ledger.settle(hold, charge, chain.nowMs);
    }
    case "release": {
      if (hold === undefined) return;
      const { need, tokens } = hold;
      const input = Math.floor((tokens.input * (b % 101)) / 100);
      return chain.ledger.release(hold, (need * BigInt(c % 101)) / 100n, {
        tokens: { ...tokens, input },
      });
    }
    case "cancel":
      if (hold === undefined) return;
      chain.open.splice(chain.open.indexOf(hold), 1);
      return chain.ledger.cancel(hold, chain.nowMs);
    case "advance":
      chain.nowMs += [1, 40, 900, 7_000, 61_000, 3_600_000][a % 6] ?? 1;
      return;
    case "wait":
      if (chain.retry !== null) chain.nowMs = Math.max(chain.nowMs, chain.retry.atMs);
  }
}

/** Where nothing else comes it does not fit before the time that was told, and it fits at that time. */
function assertTrue(chain: Chain, count: (what: string) => void): void {
  const { retry } = chain;
  if (retry === null) return;
  const { atMs, claim } = retry;
  assert.ok(atMs > chain.nowMs);
  assert.ok(chain.shortage(claim, atMs - 1) !== null, "it fits before the time that was told");
  const after = chain.shortage(claim, atMs);
  chain.nowMs = atMs;
  if (after === null) return count("came back in time");
  // A budget is no rate, and what is in flight can be in the way of what time alone would allow.
  const isOther = after.code === "concurrency_limited" || after.window.meter.unit === "usd";
  const isHeld = isBusy(after) || heldIn(after.window);
  assert.ok(isOther || isHeld, `${after.window.key}: ${after.code} at the time that was told`);
  count("came back to others");
}

function heldIn({ held, meter: { span: over } }: Window): boolean {
  return over?.kind === "rolling" && held > 0n;
}

test("no limit is passed at any prefix, and each refusal tells when there is room", async (context) => {
  const met = new Map<string, number>();
  fc.assert(
    fc.property(
      fc.array(meter, { minLength: 1, maxLength: 5 }),
      fc.array(step, { maxLength: STEPS_MAX, size: "max" }),
      (definitions, steps) => {
        const chain = new Chain(definitions);
        for (const one of steps) {
          run(chain, one, met);
          chain.assertKept();
        }
      },
    ),
    { numRuns: RUNS },
  );
  context.diagnostic(JSON.stringify(Object.fromEntries(met)));
  for (const what of ["admitted", "rate_limited", "limit_busy", "came back in time"])
    assert.ok((met.get(what) ?? 0) > 0, `no chain met: ${what}`);
});
