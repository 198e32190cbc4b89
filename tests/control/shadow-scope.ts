/** A shadow report with one scope. */
import type { ShadowReport, ShadowScope } from "../../src/views/shadow.ts";

const SHADOW_SCOPE: ShadowScope = {
  scope: { type: "team", id: "platform" },
  requests: 1,
  would_refuse: { budget_exhausted: 1 },
  would_wait: 0,
  would_clamp: 0,
  would_reroute: 0,
  would_change: 0,
  would_slow: 0,
  saved_usd: "0.5",
  hit: [
    {
      virtual_key: "ada",
      owner: null,
      requests: 1,
      first: "2026-11-03T10:00:00.000Z",
      last: "2026-11-03T10:00:00.000Z",
    },
  ],
};

export const SHADOW_REPORT: ShadowReport = { observed_requests: 1, scopes: [SHADOW_SCOPE] };
