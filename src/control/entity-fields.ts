/** Entities of the configuration with the field names of the file; secrets are left out. */
import { z } from "zod";
import { PRIORITIES } from "../config/fairness-config.ts";
import type {
  BudgetConfig,
  CustomerConfig,
  KeyProviderConfig,
  LimitConfig,
  OwnerConfig,
  ProviderConfig,
  TeamConfig,
} from "../config/config.ts";
import { printLevers } from "../config/levers-build.ts";
import { printedLevers } from "../config/levers-schema.ts";
import type { RunawayConfig } from "../config/runaway-config.ts";
import { RUNAWAY_ACTIONS } from "../config/runaway-limits.ts";
import type { SubagentCapsConfig } from "../config/sessions-config.ts";
import { formatUsd, nanoUsd } from "../core/money.ts";
import { durationText } from "../core/span.ts";
import type { Span } from "../core/span.ts";
import { formatTime } from "../core/time.ts";
import { accessFields, printAccess } from "./access-fields.ts";
import { timeField, usdField } from "./answer-fields.ts";
import type { KeyView } from "./ports.ts";

const period = { per: z.string().optional(), rolling: z.string().optional() };

const budgetFields = z
  .strictObject({
    usd: usdField,
    ...period,
    time_zone: z.string().optional(),
    overshoot: z.enum(["none", "last_request"]),
  })
  .meta({ id: "BudgetOfEntity" });

const limitFields = z
  .strictObject({
    requests: z.int().optional(),
    input_tokens: z.int().optional(),
    output_tokens: z.int().optional(),
    usd: usdField.optional(),
    concurrent: z.int().optional(),
    ...period,
    burst: z.int().optional().describe("In whole dollars with usd."),
    overshoot: z.enum(["none", "last_request"]).optional(),
  })
  .meta({ id: "RateLimitOfEntity" });

const subagentCaps = {
  requests: z.int().optional(),
  tokens: z.int().optional(),
  duration: z.string().optional(),
};
const sessionCaps = { ...subagentCaps, depth: z.int().optional(), subagents: z.int().optional() };
const modeField = z
  .enum(["enforce", "observe"])
  .nullable()
  .describe("observe: its rules and those of what is below it are followed on paper alone.");

const capped = { budgets: z.array(budgetFields), rate_limits: z.array(limitFields) };
const detectorFields = z.record(z.string(), z.union([z.int(), z.enum(RUNAWAY_ACTIONS)]));
const runawayFields = z
  .record(z.string(), z.union([z.int(), z.enum(RUNAWAY_ACTIONS), detectorFields]))
  .describe("As the file has it.");

const scope = {
  id: z.string(),
  name: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  mode: modeField,
  access: accessFields.nullable().describe("What its requests may be; null: nothing said."),
  sessions: z.strictObject(sessionCaps).optional().describe("Caps on each session."),
  subagents: z.strictObject(subagentCaps).optional().describe("Caps on each subagent."),
  runaway: runawayFields.optional(),
  ...capped,
  levers: printedLevers.optional().describe("Left out: it says none."),
  weight: z.number().describe("Share of a provider that is short, relative to siblings that wait."),
  priority: z.enum(PRIORITIES).nullable().describe("Null: the scope above says, else by the task."),
};

const origin = z.enum(["file", "api"]).describe("What is of the file is changed there alone.");

export const customerFields = z.strictObject({ ...scope, source: origin }).meta({ id: "Customer" });
export const teamFields = z
  .strictObject({ ...scope, customer: z.string(), source: origin })
  .meta({ id: "Team" });
export const ownerFields = z
  .strictObject({ ...scope, team: z.string(), source: origin })
  .meta({ id: "Owner" });
export const providerFields = z
  .strictObject({
    id: z.string(),
    kind: z.string(),
    base_url: z.string().nullable().describe("Null: the catalogue's."),
    keys: z.array(z.strictObject({ id: z.string(), weight: z.number() })),
    source: origin,
  })
  .meta({ id: "Provider" });

export const virtualKeyFields = z
  .strictObject({
    ...scope,
    team: z.string(),
    owner: z.string().nullable(),
    expires: timeField.nullable(),
    providers: z
      .array(z.strictObject({ id: z.string(), models: z.array(z.string()).nullable(), ...capped }))
      .nullable()
      .describe("Null: all providers."),
    source: origin,
    state: z
      .enum(["active", "revoked", "expired", "without_secret"])
      .describe("Whether its secret opens it now; without_secret: rotate gives it one."),
    revoked: timeField.nullable().describe("When it was revoked."),
    secrets: z.int().describe("Secrets that count; two within the overlap of a rotation."),
  })
  .meta({ id: "VirtualKey" });

type Of<Schema extends z.ZodType> = z.infer<Schema>;

/** What an entity has besides `source`. */
type Printed<Schema extends z.ZodType> = Omit<Of<Schema>, "source">;

export function printCustomer(customer: CustomerConfig): Printed<typeof customerFields> {
  return scopeOf(customer);
}

export function printTeam(team: TeamConfig): Printed<typeof teamFields> {
  return { ...scopeOf(team), customer: team.customer };
}

export function printOwner(owner: OwnerConfig): Printed<typeof ownerFields> {
  return { ...scopeOf(owner), team: owner.team };
}

export function printProvider(provider: ProviderConfig): Printed<typeof providerFields> {
  return {
    id: provider.id,
    kind: provider.kind,
    base_url: provider.baseUrl,
    keys: provider.keys.map(({ id, weight }) => ({ id, weight })),
  };
}

/** `nowMs` decides whether the key has expired. */
export function printVirtualKey(view: KeyView, nowMs: number): Of<typeof virtualKeyFields> {
  const { key, source, revokedMs, secrets } = view;
  return {
    ...scopeOf(key),
    team: key.team,
    owner: key.owner,
    expires: key.expiresMs === null ? null : formatTime(key.expiresMs),
    providers: key.providers?.map(useOf) ?? null,
    source,
    state: stateOf(view, nowMs),
    revoked: revokedMs === null ? null : formatTime(revokedMs),
    secrets,
  };
}

function stateOf({ key, revokedMs, secrets }: KeyView, nowMs: number) {
  if (revokedMs !== null) return "revoked";
  if (key.expiresMs !== null && key.expiresMs <= nowMs) return "expired";
  return secrets === 0 ? "without_secret" : "active";
}

function useOf(use: KeyProviderConfig) {
  return { id: use.id, models: use.models === null ? null : [...use.models], ...capsOf(use) };
}

interface Capped {
  readonly budgets: readonly BudgetConfig[];
  readonly rateLimits: readonly LimitConfig[];
}

/** Picks fields one by one: what is not named here is never shown. */
function scopeOf(
  entity: Capped & Pick<CustomerConfig, "name" | "labels" | "governance"> & { id: string },
) {
  const { id, name, labels, governance } = entity;
  const { mode, weight, priority } = governance;
  const access = printAccess(governance.access);
  const { levers, runaway } = governance;
  const rules = {
    ...(runaway === null ? {} : { runaway: printRunaway(runaway) }),
    ...(levers === null ? {} : { levers: printLevers(levers) }),
  };
  const caps = { ...sessionCapsOf(governance), ...capsOf(entity) };
  return { id, name, labels: { ...labels }, mode, access, ...caps, ...rules, weight, priority };
}

/** With the names of the file, and only what it says. */
function printRunaway(runaway: RunawayConfig): z.infer<typeof runawayFields> {
  const { default: standard, cooldownMinutes, detectors } = runaway;
  const named: readonly (readonly [string, z.infer<typeof detectorFields>])[] = Object.entries(
    detectors,
  ).map(([name, { action, limits }]) => [
    name,
    { ...(action === null ? {} : { action }), ...limits },
  ]);
  return {
    ...(standard === null ? {} : { default: standard }),
    ...(cooldownMinutes === null ? {} : { cooldown_minutes: cooldownMinutes }),
    ...Object.fromEntries(named),
  };
}

function sessionCapsOf({ sessions, subagents }: CustomerConfig["governance"]) {
  return {
    ...(sessions === null ? {} : { sessions: withoutNulls(sessions) }),
    ...(subagents === null ? {} : { subagents: withoutNulls(subagents) }),
  };
}

/** As the file has them: a duration in words, and nothing of what is not capped. */
function withoutNulls({ durationMs, ...counts }: SubagentCapsConfig) {
  const set = Object.entries(counts).filter(([, value]) => value !== null);
  const duration = durationMs === null ? {} : { duration: durationText(durationMs) };
  return { ...(Object.fromEntries(set) as Record<string, number>), ...duration };
}

function capsOf({ budgets, rateLimits }: Capped) {
  return {
    budgets: budgets.map(({ usd, span, overshoot }) => ({
      usd: formatUsd(usd),
      ...spanOf(span),
      ...(span.kind === "calendar" ? { time_zone: span.timeZone } : {}),
      overshoot,
    })),
    rate_limits: rateLimits.map(limitOf),
  };
}

function limitOf({ unit, amount, span, burst, overshoot }: LimitConfig) {
  const isCost = unit === "cost";
  return {
    ...(isCost ? { usd: formatUsd(nanoUsd(BigInt(amount))) } : { [unit]: amount }),
    ...spanOf(span),
    ...(burst === null ? {} : { burst: isCost ? burst / NANO_PER_USD : burst }),
    ...(overshoot === undefined ? {} : { overshoot }),
  };
}

const NANO_PER_USD = 1_000_000_000;

function spanOf(span: Span | null) {
  if (span === null) return {};
  if (span.kind === "rolling") return { rolling: span.text };
  return { per: span.kind === "calendar" ? span.per : span.kind };
}
