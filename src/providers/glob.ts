/** Globs over model ids: `*` stands for any characters, `?` for one. */

const expressions = new Map<string, RegExp>();

/**
 * Whether `glob` names the whole of `text`; case counts. Globs come from catalogue and configuration
 * alone: each is compiled once and kept.
 */
export function matchesGlob(glob: string, text: string): boolean {
  let expression = expressions.get(glob);
  if (expression === undefined) {
    const literal = glob.replace(/[.+^${}()|[\]\\]/g, "\\$&");
    expression = new RegExp(`^${literal.replace(/\*/g, ".*").replace(/\?/g, ".")}$`, "s");
    expressions.set(glob, expression);
  }
  return expression.test(text);
}
