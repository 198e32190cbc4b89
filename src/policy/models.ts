/** Which models a scope allows: exact names and globs with `*` and `?`. */

/** Context-size suffix that a client adds to a model's name; scopes are about the model itself. */
const CONTEXT_SUFFIX = /\[[^\]]*\]$/;

/**
 * Whether one of the patterns names `model`. `*` stands for any characters, `?` for one; all else is
 * literal and its case counts. A suffix like `[1m]` is ignored unless the pattern has one.
 */
export function modelMatcher(patterns: readonly string[]): (model: string) => boolean {
  const expressions = patterns.map(toExpression);
  const verdicts = new Map<string, boolean>();
  return (model) => {
    const known = verdicts.get(model);
    if (known !== undefined) return known;
    const bare = model.replace(CONTEXT_SUFFIX, "");
    const verdict = expressions.some(
      (expression) => expression.test(model) || expression.test(bare),
    );
    // Clients choose the model's name: the memory of verdicts must not grow with their fantasy.
    if (verdicts.size < 1000 && model.length <= 256) verdicts.set(model, verdict);
    return verdict;
  };
}

function toExpression(pattern: string): RegExp {
  const literal = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${literal.replace(/\*/g, ".*").replace(/\?/g, ".")}$`, "s");
}
