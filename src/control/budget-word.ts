/** A budget in one word, as people type it: `30/day`, `250/month@Europe/Berlin`, `10/session`, `5/5h`. */

const BUDGET = /^\$?(\d+(?:\.\d+)?)\/([a-z0-9]+)(?:@(\S+))?$/;
const ROLLING = /^\d/;

/** What a word must look like. */
export const BUDGET_WORD =
  "USD/PERIOD, such as 30/day, 250/month@Europe/Berlin, 10/session or 5/5h";

/** The fields of the file; null where the word has another form. */
export function budgetOfWord(word: string): Record<string, string> | null {
  const [, usd, span = "", zone] = BUDGET.exec(word) ?? [];
  if (usd === undefined) return null;
  return { usd, ...spanOfWord(span), ...(zone === undefined ? {} : { time_zone: zone }) };
}

/** "day" is a calendar window, "5h" a rolling one. */
export function spanOfWord(text: string): Record<string, string> {
  return ROLLING.test(text) ? { rolling: text } : { per: text };
}
