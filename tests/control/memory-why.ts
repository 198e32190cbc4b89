/** A report on a request that nobody sends, for tests of the API alone. */
import type { WhyQuestion, WhyReport } from "../../src/control/why-report.ts";
import { refusal } from "../../src/core/refusal.ts";

/** Everything that a report can hold, once. */
export function whyReport({ virtualKey, model, atMs }: WhyQuestion): WhyReport | null {
  if (virtualKey !== "ada") return null;
  const rule = "teams[platform].access.models.deny[0]: claude-*";
  const scope = { type: "team", id: "platform" } as const;
  const limit = { scope, unit: "usd", per: "month", limit: 4_000_000_000_000n } as const;
  const refused = { ...refusal("model_not_allowed", "No."), by: "team/platform" };
  const verdict = { about: "models", value: model, allowed: false, rule };
  return {
    refusal: refused,
    onPaper: null,
    route: { rule: null, why: "no rule takes it" },
    levels: [
      { scope: "gateway", observed: false, verdicts: [] },
      { scope: "team/platform", observed: true, verdicts: [verdict] },
    ],
    providers: [{ id: "anthropic", usable: false, why: rule }],
    limits: [
      { ...limit, used: 1_500_000_000n, resetsMs: atMs },
      { ...limit, per: "session", used: null, resetsMs: null },
    ],
  };
}
