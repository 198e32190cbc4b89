/** `GET /metrics`: everything that is counted, for Prometheus. */
import type { ControlPorts } from "./ports.ts";
import { route, type Route } from "./route.ts";

const MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export function metricsRoutes(ports: Pick<ControlPorts, "metricsText">): Route[] {
  return [
    route({
      method: "GET",
      path: "/metrics",
      operation: "getMetrics",
      tag: "metrics",
      summary: "Metrics in Prometheus' text format; needs no token where admin.open_metrics is set",
      access: "metrics",
      status: 200,
      answer: MEDIA_TYPE,
      handle: async () => ({
        body: await ports.metricsText(),
        headers: { "content-type": MEDIA_TYPE },
      }),
    }),
  ];
}
