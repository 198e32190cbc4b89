/** `node bench/routing-rules.ts`: what routing rules add to a request, in microseconds of CPU. */
import type { RoutingRuleConfig } from "../src/config/routing-config.ts";
import type { RequestFacts } from "../src/routing/rules/facts.ts";
import { compileRouting } from "../src/routing/rules/routing.ts";
import { aRule, aTarget, facts, source } from "../tests/routing/rules-desk.ts";
import { median } from "./statistics.ts";
import { formatTable, type Row } from "./table.ts";

const RULES = 100;
const DECISIONS = 2000;
const ROUNDS = 40;
const LIMIT_US = 20;

/** As an operator writes them, with names that differ from rule to rule. */
const SHAPES: readonly ((index: number) => string)[] = [
  (index) => `task.type in ["title", "summary", "auxiliary"] && input.bytes < ${1000 + index}`,
  (index) => `team == "team-${index}" && model.startsWith("claude-opus")`,
  (index) => `labels.cost_center == "${4000 + index}"`,
  (index) => `agent.depth >= ${2 + index} && thinking`,
  (index) => `budget.utilisation.team > 0.8 && owner == "owner-${index}"`,
  (index) => `time.hour >= 20 && virtual_key == "key-${index}"`,
  (index) => `customer == "customer-${index}" && !providers.up.healthy`,
];
/** No single fact rules these out: CEL itself is asked, once for each model. */
const OPAQUE = (index: number): string => `size(model) > ${200 + index}`;
/** The same over a fact with another value in every request: nothing can be remembered. */
const ALWAYS_OPAQUE = (index: number): string => `input.bytes * 2 > ${200_000 + index}`;

/** A part of all requests meets a rule only at the end of the list; most meet none at all. */
const REQUESTS: readonly RequestFacts[] = Array.from({ length: 8 }, (_, index) =>
  facts({
    labels: { cost_center: "12", stage: "prod" },
    input: { bytes: 40_000 + index, tokensEstimate: 10_000 },
    agent: { id: index % 2 === 0 ? null : "agent", depth: index % 2 },
  }),
);

function rulesOf(write: (index: number) => string): RoutingRuleConfig[] {
  return Array.from({ length: RULES }, (_, index) =>
    aRule({ id: `rule-${index}`, when: write(index), targets: [aTarget({ provider: "up" })] }),
  );
}

function mixed(index: number): string {
  return (SHAPES[index % SHAPES.length] ?? OPAQUE)(index);
}

/** Microseconds of CPU of one decision: the median of all rounds. */
function costUs(rules: readonly RoutingRuleConfig[]): number {
  const { decide } = compileRouting(source(rules));
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    let targets = 0;
    for (let done = 0; done < DECISIONS; done++) {
      const request = REQUESTS[done % REQUESTS.length];
      if (request !== undefined) targets += decide(request).groups.length;
    }
    const { user, system } = process.cpuUsage(before);
    if (targets === 0) throw new Error("a decision without targets was measured");
    return (user + system) / DECISIONS;
  });
  // The first rounds are those of the compiler.
  return median(rounds.slice(ROUNDS / 4));
}

function measure(): Row[] {
  const none = costUs([]);
  const last = [...rulesOf(mixed).slice(1), aRule({ id: "last", when: "stream && thinking" })];
  const cases: readonly (readonly [string, readonly RoutingRuleConfig[]])[] = [
    [`${RULES} rules of seven shapes, none holds`, rulesOf(mixed)],
    [`${RULES} rules of seven shapes, the last holds`, last],
    [`${RULES} rules that only CEL can tell`, rulesOf(OPAQUE)],
    [`${RULES} rules that only CEL can tell, every time`, rulesOf(ALWAYS_OPAQUE)],
  ];
  const row = (name: string, us: number): Row => ({ measure: name, unit: "µs CPU", value: us });
  return [
    row("without rules", none),
    ...cases.map(([name, rules]) => ({
      ...row(`${name}, added`, costUs(rules) - none),
      limit: LIMIT_US,
    })),
  ];
}

console.log(formatTable(measure()));
