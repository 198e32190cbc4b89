/** Remembers answers of expressions whose facts take few values: one model is asked for again and again. */
import type { Expression } from "./expression.ts";
import { type FactContext, SCALAR_FACTS, type ScalarFact } from "./facts.ts";

/** Facts with few values in a fleet, and cheap to read. */
const FEW_VALUED: ReadonlySet<string> = new Set([
  "model",
  "task.type",
  "task.source",
  "agent.depth",
  "thinking",
  "tools.count",
  "stream",
  "max_tokens",
  "customer",
  "team",
  "owner",
  "virtual_key",
]);
/** Clients choose some of the values: what is remembered must not grow with their fantasy. */
const REMEMBERED_MAX = 256;

type Answer = ReturnType<Expression["evaluate"]>;

/** What an expression has answered, by the values of its facts. */
export interface Memo {
  /** The answer for this request; `evaluate` is asked where it is not known. */
  readonly answer: (context: FactContext, evaluate: () => Answer) => Answer;
}

/** A memo for an expression; null where its answers cannot be remembered. */
export function memoFor({ mentions }: Pick<Expression, "mentions">): Memo | null {
  const facts: ScalarFact[] = [];
  for (const name of mentions) {
    const fact = SCALAR_FACTS[name];
    if (fact === undefined || !FEW_VALUED.has(name)) return null;
    facts.push(fact);
  }
  const [only] = facts;
  const keyOf =
    facts.length === 1 && only !== undefined
      ? (context: FactContext) => only.read(context)
      : (context: FactContext) => JSON.stringify(facts.map((fact) => fact.read(context)));
  const known = new Map<unknown, Answer>();
  return {
    answer(context, evaluate) {
      const key = keyOf(context);
      const found = known.get(key);
      if (found !== undefined) return found;
      const answer = evaluate();
      if (known.size < REMEMBERED_MAX) known.set(key, answer);
      return answer;
    },
  };
}
