/** All calls of the control API. */
import { createTurns } from "../core/turns.ts";
import { auditRoutes } from "./audit.ts";
import type { BrowserSessions } from "./browser-sessions.ts";
import { budgetRoutes } from "./budgets.ts";
import { entityRoutes } from "./entities.ts";
import { findingRoutes } from "./findings.ts";
import { homeRoutes } from "./home.ts";
import { createIdempotency } from "./idempotency.ts";
import { leverRoutes } from "./levers.ts";
import { metricsRoutes } from "./metrics.ts";
import { operationRoutes } from "./operations.ts";
import { openapiRoutes } from "./openapi.ts";
import type { ControlPorts } from "./ports.ts";
import { priceRoutes } from "./prices.ts";
import { providerKindRoutes } from "./provider-kinds.ts";
import { requestRoutes } from "./requests.ts";
import type { Route } from "./route.ts";
import { routeExplainRoutes } from "./route-explain.ts";
import { sessionRoutes } from "./session.ts";
import { trackedSessionRoutes } from "./sessions.ts";
import { statusRoutes } from "./status.ts";
import { shadowRoutes } from "./shadow.ts";
import { usageRoutes } from "./usage.ts";
import { virtualKeyRoutes } from "./virtual-keys.ts";
import { whyRoutes } from "./why.ts";

/** The calls that the API's own description lists, and the pages, which it does not. */
export function controlRoutes(ports: ControlPorts, sessions: BrowserSessions): readonly Route[] {
  const repeating = { idempotency: createIdempotency(ports), inTurn: createTurns() };
  const described = [
    ...statusRoutes(ports),
    ...budgetRoutes(ports),
    ...requestRoutes(ports, repeating),
    ...trackedSessionRoutes(ports, repeating),
    ...findingRoutes(ports),
    ...usageRoutes(ports),
    ...shadowRoutes(ports),
    ...virtualKeyRoutes(ports, repeating),
    ...entityRoutes(ports, repeating),
    ...providerKindRoutes(),
    ...priceRoutes(ports),
    ...routeExplainRoutes(ports),
    ...whyRoutes(ports),
    ...leverRoutes(ports),
    ...auditRoutes(ports),
    ...sessionRoutes(ports, sessions),
    ...operationRoutes(ports, sessions),
    ...metricsRoutes(ports),
  ];
  return [...described, ...openapiRoutes(described, ports.version), ...homeRoutes(ports, sessions)];
}
