/** The book of sessions against one that counts everything anew, and against its own journal. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { formatTime } from "../../src/core/time.ts";
import { NO_USAGE } from "../../src/core/usage.ts";
import type { JournalRecord } from "../../src/journal/record.ts";
import {
  applyToState,
  emptyState,
  restoreState,
  saveState,
  type NodeState,
} from "../../src/node/state.ts";
import { sessionKey } from "../../src/policy/sessions/halts.ts";
import { admitRecord } from "./records.ts";

const START_MS = Date.parse("2026-11-24T08:00:00Z");
const RUNS = 200;

type Step =
  | {
      readonly kind: "admit";
      readonly key: string;
      readonly session: string | null;
      readonly agent: string | null;
      readonly parent: string | null;
      readonly team: string;
      readonly isCount: boolean;
    }
  | { readonly kind: "again" | "settle" | "cancel"; readonly which: number; readonly cost: number }
  | {
      readonly kind: "halt";
      readonly action: "stop" | "pause" | "resume";
      readonly session: string;
    };

const session = fc.constantFrom("s1", "s2", "s3", "default 2026-11-24");
const agent = fc.constantFrom(null, "a", "b", "c", "d");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("admit" as const),
      key: fc.constantFrom("ada", "bob"),
      session: fc.option(session),
      agent,
      parent: agent,
      team: fc.constantFrom("platform", "research"),
      isCount: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        "again" as const,
        "settle" as const,
        "settle" as const,
        "cancel" as const,
      ),
      which: fc.nat(),
      cost: fc.nat({ max: 1000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("halt" as const),
      action: fc.constantFrom("stop" as const, "pause" as const, "resume" as const),
      session,
    }),
  },
);

/** An attempt as the naive book keeps it. */
interface Attempt {
  readonly request: string;
  readonly attempt: number;
  readonly step: Extract<Step, { kind: "admit" }>;
  readonly timeMs: number;
  end: { readonly kind: "settle" | "cancel"; readonly cost: number } | null;
}

class World {
  readonly records: JournalRecord[] = [];
  readonly attempts: Attempt[] = [];
  readonly halts = new Map<string, string>();
  #nowMs = START_MS;

  run(next: Step): void {
    this.#nowMs += 1000;
    if (next.kind === "admit") return this.#admit(`r${this.attempts.length}`, 1, next);
    if (next.kind === "halt") return this.#halt(next);
    const open = this.attempts.filter(({ end }) => end === null);
    const chosen = open[next.which % Math.max(1, open.length)];
    if (next.kind !== "again") return this.#end(chosen, next);
    // A further attempt of a request whose latest one has ended.
    const latest = new Map(this.attempts.map((each) => [each.request, each]));
    const ended = [...latest.values()].filter(({ end }) => end !== null);
    const before = ended[next.which % Math.max(1, ended.length)];
    if (before !== undefined) this.#admit(before.request, before.attempt + 1, before.step);
  }

  #admit(request: string, attempt: number, of: Attempt["step"]): void {
    this.attempts.push({ request, attempt, step: of, timeMs: this.#nowMs, end: null });
    this.records.push(
      admitRecord({
        request,
        attempt,
        time: formatTime(this.#nowMs),
        virtual_key: of.key,
        session: of.session,
        agent: of.agent,
        parent_agent: of.parent,
        team: of.team,
        task_type: of.isCount ? "count" : "main",
      }),
    );
  }

  #end(chosen: Attempt | undefined, { kind, cost }: { kind: string; cost: number }): void {
    if (chosen === undefined) return;
    const isSettled = kind === "settle";
    chosen.end = { kind: isSettled ? "settle" : "cancel", cost };
    const time = formatTime(this.#nowMs);
    const named = { time, request: chosen.request as never, attempt: chosen.attempt };
    if (!isSettled) return void this.records.push({ type: "cancel", ...named, reason: "reset" });
    this.records.push({
      type: "settle",
      ...named,
      cost: String(cost),
      usage: { ...NO_USAGE, input_tokens: 3, cache_read_input_tokens: 50, output_tokens: 4 },
      estimated: false,
      upstream_status: 200,
      upstream_request_id: null,
      fault: null,
      end: null,
    });
  }

  #halt({ action, session: name }: Extract<Step, { kind: "halt" }>): void {
    const state = { stop: "stopped", pause: "paused", resume: "running" }[action];
    if (state === "running") this.halts.delete(sessionKey("ada", name));
    else this.halts.set(sessionKey("ada", name), state);
    this.records.push({
      type: "admin_change",
      time: formatTime(this.#nowMs),
      actor: "local",
      action,
      entity: "session",
      id: sessionKey("ada", name),
      before: null,
      after: { virtual_key: "ada", session: name, state, reason: null },
    });
  }

  /** Everything counted anew from the list of attempts. */
  naive(): unknown {
    const groups = new Map<string, Attempt[]>();
    for (const each of this.attempts.filter(({ step: { isCount } }) => !isCount)) {
      const name = each.step.session ?? "default 2026-11-24";
      const key = sessionKey(each.step.key, name);
      for (const group of [key, ...(each.step.agent === null ? [] : [`${key} ${each.step.agent}`])])
        groups.set(group, [...(groups.get(group) ?? []), each]);
    }
    const tallies = [...groups].map(([name, attempts]) => [name, this.#tally(attempts)] as const);
    return Object.fromEntries(
      tallies.filter(([, { requests, inFlight }]) => requests + inFlight > 0),
    );
  }

  /** A request counts unless all of its attempts were cancelled. */
  #tally(attempts: readonly Attempt[]) {
    const settled = attempts.filter(({ end }) => end?.kind === "settle");
    const counting = attempts.filter(({ end }) => end?.kind !== "cancel");
    return {
      requests: new Set(counting.map(({ request }) => request)).size,
      inFlight: attempts.filter(({ end }) => end === null).length,
      spent: String(settled.reduce((sum, { end }) => sum + (end?.cost ?? 0), 0)),
      tokens: 7 * settled.length,
    };
  }
}

function tallies({ sessions }: NodeState): unknown {
  const found: [string, unknown][] = [];
  for (const each of sessions.all()) {
    const key = sessionKey(each.virtualKey, each.name);
    for (const [name, tally] of [
      [key, each] as const,
      ...[...(each.agents ?? [])].map(([id, of]) => [`${key} ${id}`, of] as const),
    ]) {
      const { requests, inFlight, spent, tokens } = tally;
      found.push([name, { requests, inFlight, spent: String(spent), tokens }]);
    }
  }
  return Object.fromEntries(found);
}

describe("the book of sessions", () => {
  test("counts what a naive one counts anew, at every prefix, and again after a restart", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.nat({ max: 5 }), (steps, saveEvery) => {
        const world = new World();
        const live = emptyState();
        let restarted = emptyState();
        let applied = 0;
        for (const [index, next] of steps.entries()) {
          world.run(next);
          for (const record of world.records.slice(applied)) {
            applyToState(live, record);
            applyToState(restarted, record);
          }
          applied = world.records.length;
          if (index % (saveEvery + 1) === 0) {
            const again = restoreState(JSON.parse(JSON.stringify(saveState(restarted))));
            assert.ok(again !== null);
            restarted = again;
          }
          assert.deepEqual(tallies(live), world.naive());
          assert.deepEqual(restarted.sessions.snapshot(), live.sessions.snapshot());
          const halts = [...live.sessions.halts.all()].map(([key, { state }]) => [key, state]);
          assert.deepEqual(Object.fromEntries(halts), Object.fromEntries(world.halts));
        }
      }),
      { numRuns: RUNS },
    );
  });
});
