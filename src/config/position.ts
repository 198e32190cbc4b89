/** Leads from a path to its offset in the text and back. Runs for faults only, never for good files. */
import { type Alias, isAlias, isMap, isNode, isScalar, isSeq, type Pair } from "yaml";
import type { Path } from "./fault.ts";

/** The node that an alias stands for; undefined where there is none. */
export type TargetOf = (alias: Alias) => unknown;

/** The text of a map's key; null where the key is empty or no scalar. */
export function keyText(key: unknown): string | null {
  if (!isScalar(key) || key.value === null) return null;
  return typeof key.value === "string" ? key.value : (key.source ?? null);
}

/** Where a node begins; null where it is none. */
export function startOf(node: unknown): number | null {
  return isNode(node) ? (node.range?.[0] ?? null) : null;
}

/**
 * Where the value at `path`, or its key, begins; of the nearest that exists, where it does not.
 * A list item has no key: its value counts.
 */
export function offsetOf(
  root: unknown,
  path: Path,
  part: "key" | "value",
  targetOf: TargetOf,
): number {
  let node = root;
  let offset = startOf(root) ?? 0;
  for (const [depth, segment] of path.entries()) {
    if (isAlias(node)) node = targetOf(node);
    const isLast = depth === path.length - 1;
    const step = child(node, segment);
    if (step === null) return offset;
    const start = isLast && part === "key" ? startOf(step.key) : startOf(step.value);
    offset = start ?? startOf(step.key) ?? offset;
    node = step.value;
  }
  return offset;
}

function child(node: unknown, segment: string | number): { key: unknown; value: unknown } | null {
  if (isSeq(node) && typeof segment === "number") {
    const value = node.items[segment];
    return value === undefined ? null : { key: value, value };
  }
  if (!isMap(node)) return null;
  // The last of two equal keys is the one that counts, as in the plain values.
  return node.items.findLast((pair) => keyText(pair.key) === segment) ?? null;
}

/** The path to the innermost value around `offset`: what a fault of the YAML itself is about. */
export function pathAt(root: unknown, offset: number): Path {
  const path: (string | number)[] = [];
  let node: unknown = root;
  while (isMap(node) || isSeq(node)) {
    const found: { segment: string | number; value: unknown } | null = isMap(node)
      ? pairAt(node.items, offset)
      : itemAt(node.items, offset);
    if (found === null) return path;
    path.push(found.segment);
    node = found.value;
  }
  return path;
}

function pairAt(items: Pair[], offset: number): { segment: string; value: unknown } | null {
  const pair = items.findLast((candidate) => (startOf(candidate.key) ?? Infinity) <= offset);
  const segment = keyText(pair?.key);
  if (pair === undefined || segment === null) return null;
  const isOnKey = startOf(pair.key) === offset;
  return { segment, value: isOnKey ? null : pair.value };
}

function itemAt(items: unknown[], offset: number): { segment: number; value: unknown } | null {
  const index = items.findLastIndex((item) => (startOf(item) ?? Infinity) <= offset);
  return index === -1 ? null : { segment: index, value: items[index] };
}
