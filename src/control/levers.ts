/** `GET /api/v1/levers`: the levers of a key, all its scopes together, and whose word each is. */
import { z } from "zod";
import type { Config } from "../config/config.ts";
import { CACHE_TTLS, EFFORTS } from "../config/levers-config.ts";
import type { Scope } from "../core/span.ts";
import { compileLevers } from "../policy/levers/compile.ts";
import { NO_LEVERS, type Levers } from "../policy/levers/levers.ts";
import type { ControlPorts } from "./ports.ts";
import { Problem } from "./problem.ts";
import { route, type Route } from "./route.ts";

const by = z.string().describe("Whose word it is: gateway, team/platform and so on.");

function said<Value extends z.ZodType>(value: Value) {
  return z.strictObject({ value, by }).nullable();
}

const answerSchema = z
  .strictObject({
    virtual_key: z.string().nullable().describe("Null: the gateway's own levers alone."),
    thinking_budget_max: said(z.int()),
    effort_max: said(z.enum(EFFORTS)),
    max_tokens: said(z.int()),
    web_search_max_uses: said(z.int()),
    cache_ttl: said(z.enum(CACHE_TTLS)),
    background_model: said(z.string()),
    subagent_model: said(z.string()),
    models: z
      .array(z.strictObject({ from: z.string(), to: z.string(), by }))
      .describe("The first that fits counts."),
    strip_betas: z.array(z.strictObject({ beta: z.string(), by })),
    long_context: said(z.enum(["refuse"])),
    fast_mode: said(z.enum(["refuse", "strip"])),
    rules: z.array(z.string()).describe("Ids of lever rules, which may add to these."),
  })
  .meta({ id: "Levers" });

export type PrintedLevers = z.infer<typeof answerSchema>;

const query = z.strictObject({
  virtual_key: z
    .string({ error: "is not an id" })
    .min(1, { error: "is empty: give an id" })
    .optional()
    .describe("Id of the key; without it the gateway's own levers."),
});

export function leverRoutes({ config }: Pick<ControlPorts, "config">): Route[] {
  return [
    route({
      method: "GET",
      path: "/api/v1/levers",
      operation: "getLevers",
      tag: "routing",
      summary: "What is made of a key's requests before they are routed",
      query,
      status: 200,
      answer: answerSchema,
      handle: ({ query: { virtual_key: id = null } }) => {
        const inForce = config();
        const levels = id === null ? [] : chainOf(inForce, id);
        const levers = compileLevers(inForce.levers)(levels) ?? NO_LEVERS;
        return { body: printed(levers, id, inForce) };
      },
    }),
  ];
}

/** @throws Problem where there is no such key. */
function chainOf(config: Config, id: string) {
  const key = config.virtualKeys.find((each) => each.id === id);
  if (key === undefined) {
    const detail = `The parameter virtual_key names no key: ${id}.`;
    throw new Problem("invalid_parameter", detail, { parameter: "virtual_key", value: id });
  }
  const team = config.teams.find((each) => each.id === key.team);
  const customer = config.customers.find((each) => each.id === team?.customer);
  const owner = config.owners.find((each) => each.id === key.owner);
  const level = (type: Scope["type"], entity: Governed | undefined) =>
    entity === undefined ? [] : [{ scope: { type, id: entity.id }, governance: entity.governance }];
  return [
    ...level("customer", customer),
    ...level("team", team),
    ...level("owner", owner),
    ...level("virtual_key", key),
  ];
}

type Governed = Pick<Config["teams"][number], "governance"> & { readonly id: string };

function printed(levers: Levers, id: string | null, { leverRules }: Config): PrintedLevers {
  return {
    virtual_key: id,
    thinking_budget_max: levers.thinkingBudgetMax,
    effort_max: levers.effortMax,
    max_tokens: levers.maxTokens,
    web_search_max_uses: levers.webSearchMaxUses,
    cache_ttl: levers.cacheTtl,
    background_model: levers.backgroundModel,
    subagent_model: levers.subagentModel,
    models: levers.models.map(({ from, to, by: whose }) => ({ from, to, by: whose })),
    strip_betas: levers.stripBetas.map(({ glob, by: whose }) => ({ beta: glob, by: whose })),
    long_context: levers.longContext,
    fast_mode: levers.fastMode,
    rules: leverRules.map((rule) => rule.id),
  };
}
