/** `GET /api/v1/status`: what this gateway is, and how it does. */
import { z } from "zod";
import { formatUsd, nanoUsd } from "../core/money.ts";
import { formatTime } from "../core/time.ts";
import { timeField, usdField } from "./answer-fields.ts";
import type { ControlPorts } from "./ports.ts";
import { route, type Route } from "./route.ts";

const sentences = z.array(z.string());

export const statusSchema = z
  .strictObject({
    name: z.literal("tollgate"),
    version: z.string(),
    node: z.string(),
    process: z.int().describe("Process id."),
    runtime: z.string().describe("Version of Node."),
    started: timeField,
    time: timeField,
    mode: z.enum(["enforce", "observe"]),
    configuration_file: z.string().nullable(),
    configuration_fault: z.string().nullable().describe("Why the last reload was not taken."),
    data_dir: z.string(),
    url: z.string().describe("Base URL of the data plane, from this machine."),
    ready: z.boolean(),
    reasons: sentences.describe("Why it is not ready."),
    provider_troubles: sentences.describe("Credentials that a provider refuses now."),
    invariant_breaches: sentences.describe("Where the books contradict themselves."),
    in_flight: z.strictObject({
      attempts: z.int().describe("Attempts at a provider that run now."),
      held_usd: usdField.describe("What they hold until they have settled."),
    }),
    journal_seq: z.int(),
    views: z.strictObject({
      applied_seq: z.int(),
      lag_ms: z.number(),
      skipped: z.int(),
      failures: z.int(),
      error: z.string().nullable(),
    }),
  })
  .meta({ id: "Status" });

export type Status = z.infer<typeof statusSchema>;

export function statusRoutes(ports: ControlPorts): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/v1/status",
      operation: "getStatus",
      tag: "status",
      summary: "Version, mode and health of this gateway",
      status: 200,
      answer: statusSchema,
      handle: () => ({ body: statusOf(ports) }),
    }),
  ];
}

/** The state at this moment. */
export function statusOf(ports: ControlPorts): Status {
  const { ready, reasons, providerTroubles, configurationFault, invariantBreaches } =
    ports.health();
  const { appliedSeq, lagMs, skipped, failures, error } = ports.views.status();
  const { mode, file, dataDir } = ports.config();
  const { node, seq } = ports.head();
  const { attempts, held } = ports.inFlight();
  return {
    name: "tollgate",
    version: ports.version,
    node,
    process: process.pid,
    runtime: process.version,
    started: formatTime(ports.startedMs),
    time: formatTime(ports.clock.wallMs()),
    mode,
    configuration_file: file,
    configuration_fault: configurationFault,
    data_dir: dataDir,
    url: ports.dataPlaneUrl(),
    ready,
    reasons: [...reasons],
    provider_troubles: [...providerTroubles],
    invariant_breaches: [...invariantBreaches],
    in_flight: { attempts, held_usd: formatUsd(nanoUsd(held)) },
    journal_seq: seq,
    views: { applied_seq: appliedSeq, lag_ms: lagMs, skipped, failures, error },
  };
}
