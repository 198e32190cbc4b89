/** Where a request stands among those that wait for a provider: its scopes' shares, its rank, its size. */
import type { TaskType } from "../journal/record.ts";
import type { Plan } from "../policy/plan.ts";
import type { FlowPath } from "../routing/fairness/fair-queue.ts";
import { rankOf } from "../routing/fairness/priority.ts";
import type { MessagesBody } from "../wire/anthropic/body.ts";
import type { Candidate } from "./candidates.ts";

/** Customer and team come before the ranks of a team's requests. */
const ABOVE_RANK = 2;
/** Of text and JSON together. */
const BYTES_PER_TOKEN = 4;
/** Most answers are shorter. */
const ANSWER_TOKENS = 1_000;
/** What counts as one usual request where tokens are short. */
const USUAL_TOKENS = 20_000;

/** The flow of a key's requests of this kind. Made only for those that wait. */
export function flowPathOf(plan: Plan, task: TaskType): FlowPath {
  const shares = plan.levels.map(({ scope, governance }) => ({
    id: `${scope.type}/${scope.id}`,
    weight: governance.weight,
  }));
  const said = plan.levels.findLast(({ governance }) => governance.priority !== null);
  return {
    above: shares.slice(0, ABOVE_RANK),
    rank: rankOf(said?.governance.priority ?? null, task),
    below: shares.slice(ABOVE_RANK),
  };
}

/** What it takes of its providers, in usual requests: by its tokens where those are what they limit. */
export function fairCost(body: MessagesBody, candidates: readonly Candidate[]): number {
  if (!candidates.some(limitsTokens)) return 1;
  const answerTokens = Math.min(body.maxTokens ?? ANSWER_TOKENS, ANSWER_TOKENS);
  return (body.byteLength / BYTES_PER_TOKEN + answerTokens) / USUAL_TOKENS;
}

function limitsTokens({ use, keys }: Candidate): boolean {
  return keys.some(({ id }) =>
    use.accounts.get(id)?.some(({ unit }) => unit === "input_tokens" || unit === "output_tokens"),
  );
}
