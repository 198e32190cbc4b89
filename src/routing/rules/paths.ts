/** Which facts an expression mentions, and where; and what the type checker lets pass but no rule can mean. */
import type { ASTNode } from "@marcbachmann/cel-js";
import { PROVIDER_FACTS, SCALAR_FACTS } from "./facts.ts";

/** `task.type` → ["task", "type"]; `labels["a b"]` → ["labels", "a b"]; null for anything else. */
export function pathOf(node: ASTNode): readonly string[] | null {
  if (node.op === "id") return [node.args];
  if (node.op === ".") {
    const inner = pathOf(node.args[0]);
    return inner === null ? null : [...inner, node.args[1]];
  }
  if (node.op !== "[]") return null;
  const [object, index] = node.args;
  const inner = pathOf(object);
  if (inner === null || index.op !== "value" || typeof index.args !== "string") return null;
  return [...inner, index.args];
}

/** Calls `visit` with every node, outer ones first. */
export function walk(node: ASTNode, visit: (node: ASTNode) => void): void {
  visit(node);
  for (const child of childrenOf(node)) walk(child, visit);
}

function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case "value":
    case "id":
      return [];
    case ".":
    case ".?":
      return [node.args[0]];
    case "call":
      return node.args[1];
    case "rcall":
      return [node.args[1], ...node.args[2]];
    case "list":
      return node.args;
    case "map":
      return node.args.flat();
    case "!_":
    case "-_":
      return [node.args];
    default:
      return node.args;
  }
}

/** The facts that `node` mentions: "task.type", "labels", "providers". */
export function mentionsOf(node: ASTNode): ReadonlySet<string> {
  const found = new Set<string>();
  walk(node, (inner) => {
    const path = pathOf(inner);
    if (path === null) return;
    const [root = ""] = path;
    if (root === "labels" || root === "providers") found.add(root);
    else if (SCALAR_FACTS[path.join(".")] !== undefined) found.add(path.join("."));
  });
  return found;
}

/** The names that may follow `path`; at the root, all variables. */
export function namesAfter(path: readonly string[], providerIds: readonly string[]): string[] {
  const [root, ...rest] = path;
  if (root === "providers")
    return rest.length === 0 ? [...providerIds] : Object.keys(PROVIDER_FACTS);
  const prefix = path.length === 0 ? "" : `${path.join(".")}.`;
  const names = Object.keys(SCALAR_FACTS)
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length).split(".")[0] ?? "");
  return [...new Set(path.length === 0 ? [...names, "labels", "providers"] : names)];
}
