/** Expands YAML aliases within a bound: a few lines of them could otherwise stand for billions of values. */
import { type Alias, isCollection, isScalar, type Node } from "yaml";
import type { TargetOf } from "./position.ts";
import { shown } from "./secrecy.ts";

/** Aliases may repeat so many values in all. */
const ALIASED_VALUES_MAX = 200_000;

interface Aliases {
  /** Reads a node under its anchor, so that an alias inside of it is known to be circular. */
  readonly enter: <T>(node: Node, body: () => T) => T;
  readonly expand: (alias: Alias, body: (target: unknown) => unknown) => Expansion;
  /** False once aliases have been expanded to more than is allowed. */
  readonly mayGoOn: () => boolean;
  readonly targetOf: TargetOf;
}

interface Expansion {
  readonly read: unknown;
  readonly flaw: string | null;
}

/** The aliases of one document, to be read once and in the order of the text. */
export function createAliases(): Aliases {
  const byName = new Map<string, Node>();
  // An anchor can be given anew further down; the target is the one above where the alias stands,
  // which the first reading meets in the order of the text.
  const targets = new Map<Alias, Node>();
  const open = new Set<Node>();
  let depth = 0;
  let values = 0;

  const enter: Aliases["enter"] = (node, body) => {
    const anchor = isScalar(node) || isCollection(node) ? node.anchor : undefined;
    if (anchor === undefined) return body();
    byName.set(anchor, node);
    open.add(node);
    const result = body();
    open.delete(node);
    return result;
  };

  const expand: Aliases["expand"] = (alias, body) => {
    const target = targets.get(alias) ?? byName.get(alias.source);
    if (target === undefined) {
      return { read: null, flaw: `no anchor ${shown(alias.source)} stands above this alias` };
    }
    if (open.has(target))
      return { read: null, flaw: "this alias stands for what it is in: write it out" };
    targets.set(alias, target);
    depth++;
    const read = body(target);
    depth--;
    const isTooMuch = depth === 0 && values > ALIASED_VALUES_MAX;
    const flaw = `aliases stand for more than ${ALIASED_VALUES_MAX} values: write them out`;
    return { read, flaw: isTooMuch ? flaw : null };
  };

  const mayGoOn = (): boolean => depth === 0 || ++values <= ALIASED_VALUES_MAX;
  return { enter, expand, mayGoOn, targetOf: (alias) => targets.get(alias) };
}
