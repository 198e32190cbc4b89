/** `POST /api/v1/route/explain`: which rule would take a request, where it would go, and why. */
import { z } from "zod";
import { LABEL_NAME } from "../config/scalar.ts";
import { ANSWERED_TASKS } from "../core/task-type.ts";
import { moment } from "./parameters.ts";
import type { ControlPorts, RouteExplanation, RouteTargetView } from "./ports.ts";
import { Problem } from "./problem.ts";
import { route, type Route } from "./route.ts";

const NAME_CHARACTERS_MAX = 256;
const BYTES_MAX = 2 ** 31;
const COUNT_MAX = 1_000_000_000;
const DEPTH_MAX = 100;

const name = z
  .string({ error: "is not a text: give one" })
  .min(1, { error: "is empty: give a name" })
  .max(NAME_CHARACTERS_MAX, { error: `has more than ${NAME_CHARACTERS_MAX} characters` });

function whole(maximum: number) {
  const error = `is not a whole number from 0 to ${maximum}`;
  return z.int({ error }).min(0, { error }).max(maximum, { error });
}

const flag = z.boolean({ error: "is not true or false" });

const questionSchema = z
  .strictObject({
    virtual_key: name.describe("Id of the key that would ask."),
    model: name.describe("The model asked for, as the client writes it."),
    task: z
      .enum(ANSWERED_TASKS, { error: "is no kind of task" })
      .default("main")
      .describe("The kind of task."),
    input_bytes: whole(BYTES_MAX).default(50_000).describe("Bytes of the request's body."),
    tools: whole(COUNT_MAX).default(12).describe("Tools that it offers."),
    thinking: flag.default(true).describe("It asks for thinking."),
    stream: flag.default(true).describe("It asks for a streamed answer."),
    max_tokens: whole(COUNT_MAX).optional().describe("Its max_tokens."),
    agent_depth: whole(DEPTH_MAX).default(0).describe("0 for the main loop."),
    labels: z
      .record(
        z.string().regex(LABEL_NAME, { error: "is not a label's name" }),
        z.string({ error: "is not a text" }),
        { error: "is no map of names and texts" },
      )
      .default({})
      .describe("Labels over those of the key."),
    at: moment.optional().describe("RFC 3339; now where it is missing."),
  })
  .meta({ id: "RouteQuestion" });

const targetSchema = z
  .strictObject({
    provider: z.string(),
    model: z.string().nullable().describe("Null: the model asked for."),
    weight: z.number().describe("Share among the targets of its group."),
  })
  .meta({ id: "RouteTarget" });

const explanationSchema = z
  .strictObject({
    rule: z.string().nullable().describe("Null: none took it."),
    why: z.string(),
    groups: z.array(z.array(targetSchema)).describe("In the order in which they are tried."),
    on_unsupported: z.enum(["refuse", "drop"]),
    fallbacks: z.strictObject({
      context_length: z.array(targetSchema),
      content_policy: z.array(targetSchema),
    }),
    rules: z
      .array(
        z.strictObject({
          rule: z.string(),
          outcome: z.enum(["taken", "skipped", "failed", "not_reached"]),
          why: z.string(),
        }),
      )
      .describe("All rules, in the order of the file."),
    facts: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .describe("What the rules saw, by the names that expressions use."),
  })
  .meta({ id: "RouteExplanation" });

export type PrintedExplanation = z.infer<typeof explanationSchema>;

export function routeExplainRoutes(ports: Pick<ControlPorts, "explainRoute" | "clock">): Route[] {
  return [
    route({
      method: "POST",
      path: "/api/v1/route/explain",
      operation: "explainRoute",
      tag: "routing",
      summary: "Tells where a request would go by the rules in force; sends and records nothing",
      body: questionSchema,
      status: 200,
      answer: explanationSchema,
      handle: ({ body }) => ({ body: explain(ports, body) }),
    }),
  ];
}

function explain(
  ports: Pick<ControlPorts, "explainRoute" | "clock">,
  question: z.output<typeof questionSchema>,
): PrintedExplanation {
  const { virtual_key: virtualKey, model, task, thinking, stream, labels } = question;
  const explanation = ports.explainRoute({
    virtualKey,
    model,
    task,
    thinking,
    stream,
    labels,
    inputBytes: question.input_bytes,
    toolCount: question.tools,
    maxTokens: question.max_tokens ?? null,
    agentDepth: question.agent_depth,
    atMs: question.at ?? ports.clock.wallMs(),
  });
  if (explanation !== null) return printed(explanation);
  const detail = `The field virtual_key names no key: ${virtualKey}.`;
  throw new Problem("invalid_body", detail, { parameter: "virtual_key", value: virtualKey });
}

function printed({ decision, rules, facts }: RouteExplanation): PrintedExplanation {
  const { rule, why, groups, onUnsupported, fallbacks } = decision;
  return {
    rule,
    why,
    groups: groups.map(printedTargets),
    on_unsupported: onUnsupported,
    fallbacks: {
      context_length: printedTargets(fallbacks.contextLength),
      content_policy: printedTargets(fallbacks.contentPolicy),
    },
    rules: rules.map((each) => ({ ...each })),
    facts: { ...facts },
  };
}

function printedTargets(targets: readonly RouteTargetView[]) {
  return targets.map(({ provider, model, weight }) => ({ provider, model, weight }));
}
