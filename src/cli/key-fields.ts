/** Reads what `keys create` is given in words into the fields of a virtual key. */
import { BUDGET_WORD, budgetOfWord, spanOfWord } from "../control/budget-word.ts";
import { usageFault } from "./exit.ts";

export interface KeyWords {
  readonly team: string;
  readonly owner?: string;
  readonly name?: string;
  readonly expires?: string;
  readonly label?: readonly string[];
  readonly budget?: readonly string[];
  readonly limit?: readonly string[];
  readonly provider?: readonly string[];
}

const LIMIT = /^(\d+) (requests|input_tokens|output_tokens)\/([a-z0-9]+)$/;
const CONCURRENT = /^(\d+) concurrent$/;

/**
 * The fields of the file; what is wrong with a value is told by the gateway's own rules.
 *
 * @throws CommandFailed where a word has not the form of an amount, limit or label.
 */
export function keyFields(id: string, words: KeyWords): Record<string, unknown> {
  const { team, owner, name, expires } = words;
  const fields = {
    id,
    team,
    owner,
    name,
    expires,
    labels: words.label === undefined ? undefined : Object.fromEntries(words.label.map(labelOf)),
    budgets: words.budget?.map(budgetOf),
    rate_limits: words.limit?.map(limitOf),
    providers: words.provider?.map(providerOf),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function labelOf(word: string): [string, string] {
  const at = word.indexOf("=");
  if (at <= 0) throw usageFault(`--label ${word}: write NAME=VALUE, such as cost_center=4711`);
  return [word.slice(0, at), word.slice(at + 1)];
}

function budgetOf(word: string): Record<string, string> {
  const budget = budgetOfWord(word);
  if (budget === null) throw usageFault(`--budget ${word}: write ${BUDGET_WORD}`);
  return budget;
}

function limitOf(word: string): Record<string, unknown> {
  const concurrent = CONCURRENT.exec(word);
  if (concurrent !== null) return { concurrent: Number(concurrent[1]) };
  const [, amount, unit = "", span = ""] = LIMIT.exec(word) ?? [];
  if (amount === undefined) {
    throw usageFault(
      `--limit ${word}: write such as "600 requests/minute", "2000000 input_tokens/hour" or "5 concurrent"`,
    );
  }
  return { [unit]: Number(amount), ...spanOfWord(span) };
}

/** `anthropic` or `anthropic=claude-opus-*,claude-sonnet-*`. */
function providerOf(word: string): Record<string, unknown> {
  const at = word.indexOf("=");
  if (at < 0) return { id: word };
  return { id: word.slice(0, at), models: word.slice(at + 1).split(",") };
}
