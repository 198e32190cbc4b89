/** The shadow report by a loop over a model's requests: what SQL has to give. */
import { formatUsd, nanoUsd } from "../../src/core/money.ts";
import type { ShadowReport } from "../../src/views/shadow.ts";
import { costOf, timeMsOf, type Model, type ModelRequest } from "./model.ts";

/** Scope, what it would have done, and what that would have saved. */
type Act = readonly [scope: string, kind: string, saved: bigint];

function actsOf({ attempts }: ModelRequest): Act[] {
  return attempts.flatMap((attempt): Act[] => {
    const { admit, settle } = attempt;
    const acts: Act[] = [];
    const { refusal, refusal_by = "", shadow_clamped_by: clampedBy, shadow_changes = [] } = admit;
    if (refusal !== undefined)
      acts.push([refusal_by, refusal, refusal === "budget_busy" ? 0n : costOf(attempt)]);
    if (clampedBy !== undefined) {
      const { cost = "0", shadow } = settle ?? {};
      // A correction moves both.
      acts.push([
        clampedBy,
        "clamp",
        shadow === undefined ? 0n : BigInt(cost) - BigInt(shadow.cost),
      ]);
    }
    for (const { what, by } of shadow_changes) acts.push([by, what, 0n]);
    return acts;
  });
}

/** Figures by scope, without whom they hit. */
export function modelShadow(model: Model, fromMs: number, toMs: number) {
  const inRange = [...model.values()].filter(
    (request) => fromMs <= timeMsOf(request) && timeMsOf(request) < toMs,
  );
  const figures = new Map<string, Map<string, number>>();
  const saved = new Map<string, bigint>();
  for (const request of inRange) {
    const acts = actsOf(request);
    for (const id of new Set(
      acts.flatMap(([scope, kind]) => [`${scope} ${kind}`, `${scope} all`]),
    )) {
      const [scope = "", kind = ""] = id.split(" ");
      const of = figures.get(scope) ?? new Map<string, number>();
      figures.set(scope, of.set(kind, (of.get(kind) ?? 0) + 1));
    }
    for (const [scope, , nano] of acts) saved.set(scope, (saved.get(scope) ?? 0n) + nano);
  }
  return [...figures].map(([scope, of]) => ({
    scope,
    figures: Object.fromEntries(of),
    saved_usd: formatUsd(nanoUsd(saved.get(scope) ?? 0n)),
  }));
}

/** A report in the same form. */
export function shadowFigures({ scopes }: ShadowReport) {
  return scopes.map((each) => {
    const { would_wait, would_clamp, would_change, would_slow, would_refuse, requests } = each;
    const all = { budget_busy: would_wait, clamp: would_clamp, changed: would_change };
    const figures = { ...all, slowed: would_slow, ...would_refuse, all: requests };
    return {
      scope: each.scope === null ? "" : `${each.scope.type}/${each.scope.id}`,
      figures: Object.fromEntries(Object.entries(figures).filter(([, count]) => count > 0)),
      saved_usd: each.saved_usd,
    };
  });
}
