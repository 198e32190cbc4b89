/** Subagent explosion: one prompt starts subagents without end. */
import type { LimitsOf } from "../../config/runaway-limits.ts";
import { Recent } from "./bounded.ts";
import { lasting, MINUTE_MS, type Detector, type Finding } from "./event.ts";

type Limits = LimitsOf<"subagent_explosion">;

const PROMPTS_KEPT = 4;
const AGENTS_KEPT = 2_000;
/** A fan-out starts all of its agents within this. */
const BURST_MS = MINUTE_MS;
/** So many of them later than that: it grows on. */
const LATER_SHARE = 0.2;

interface Started {
  readonly timeMs: number;
  readonly nested: boolean;
}

export function subagentExplosion(): Detector<Limits> {
  const prompts = new Recent<Map<string, Started>>(PROMPTS_KEPT);
  return {
    request(seen, limits) {
      const { agent, timeMs } = seen;
      // A workflow says beforehand how many it will be.
      if (agent === null || seen.task === "workflow") return null;
      const agents = prompts.get(seen.prompt ?? "") ?? new Map<string, Started>();
      prompts.set(seen.prompt ?? "", agents);
      if (agents.has(agent)) return null;
      forget(agents, timeMs - limits.within_minutes * MINUTE_MS);
      agents.set(agent, { timeMs, nested: seen.parent !== null });
      return judge([...agents.values()], limits);
    },
  };
}

function forget(agents: Map<string, Started>, beforeMs: number): void {
  for (const [agent, { timeMs }] of agents) {
    if (timeMs >= beforeMs && agents.size < AGENTS_KEPT) return;
    agents.delete(agent);
  }
}

function judge(agents: readonly Started[], limits: Limits): Finding | null {
  const [first, last] = [agents[0], agents.at(-1)];
  if (first === undefined || last === undefined) return null;
  const nested = agents.filter((agent) => agent.nested).length;
  const later = agents.filter(({ timeMs }) => timeMs > first.timeMs + BURST_MS).length;
  const grows = agents.length >= limits.agents && later >= LATER_SHARE * agents.length;
  if (!grows && nested < limits.nested && agents.length < limits.at_once) return null;
  const tookMs = last.timeMs - first.timeMs;
  return {
    sentence:
      `One prompt started ${agents.length} subagents in ${lasting(tookMs)}, ` +
      `${nested} of them by other subagents.`,
    evidence: { agents: agents.length, nested, later, took_ms: tookMs },
  };
}
