/** Compiles the levers of a chain of scopes once for all keys that share it. */
import type { LeversConfig } from "../../config/levers-config.ts";
import type { Scope } from "../../core/span.ts";
import { joinLevers, leversBy, type Levers } from "./levers.ts";

/** Whose levers the file's own are. */
const GATEWAY = "gateway";

interface Level {
  readonly scope: Scope;
  readonly governance: { readonly levers: LeversConfig | null };
}

/** The levers of a chain, outermost first; null where nobody says any. */
export type LeversOfChain = (levels: readonly Level[]) => Levers | null;

/** @param gateway The file's own levers, outside of all scopes. */
export function compileLevers(gateway: LeversConfig | null): LeversOfChain {
  const outermost = gateway === null ? null : leversBy(gateway, GATEWAY);
  const known = new Map<string, Levers | null>();
  return (levels) => {
    const saying = levels.filter(({ governance }) => governance.levers !== null);
    if (saying.length === 0) return outermost;
    const chain = saying.map(({ scope }) => `${scope.type}/${scope.id}`);
    const name = chain.join(" ");
    const joined = known.get(name) ?? joinAll(outermost, saying);
    known.set(name, joined);
    return joined;
  };
}

function joinAll(outermost: Levers | null, saying: readonly Level[]): Levers | null {
  let joined = outermost;
  for (const { scope, governance } of saying) {
    if (governance.levers === null) continue;
    const own = leversBy(governance.levers, `${scope.type}/${scope.id}`);
    joined = joined === null ? own : joinLevers(joined, own);
  }
  return joined;
}
