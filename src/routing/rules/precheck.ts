/** Cheap necessary conditions of an expression: a rule that fails one does not hold, whatever CEL would say. */
import type { ASTNode } from "@marcbachmann/cel-js";
import { type FactContext, type ScalarFact, SCALAR_FACTS } from "./facts.ts";
import { mentionsOf, pathOf } from "./paths.ts";

/** False: the expression cannot be true. */
export type Precheck = (context: FactContext) => boolean;

type Value = string | number | boolean;
type Read = (context: FactContext) => Value;

const ORDERS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};
/** The operator that holds where it does not. */
const OPPOSITE: Readonly<Record<string, string>> = { "<": ">=", "<=": ">", ">": "<=", ">=": "<" };
const SUMS: Readonly<Record<string, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
};
const TEXT_METHODS: Readonly<Record<string, (text: string, part: string) => boolean>> = {
  startsWith: (text, part) => text.startsWith(part),
  endsWith: (text, part) => text.endsWith(part),
  contains: (text, part) => text.includes(part),
};

/**
 * What must be so for `node` to be true, as far as single facts can tell; null where they tell nothing.
 * An `&&` with a false side is false even where the other side fails; an `||` needs a true side.
 */
export function precheckOf(node: ASTNode): Precheck | null {
  return necessary(node, true);
}

/** What must be so for `node` to be `expected`. */
function necessary(node: ASTNode, expected: boolean): Precheck | null {
  switch (node.op) {
    case "&&":
      return expected ? both(node.args, expected) : either(node.args, expected);
    case "||":
      return expected ? either(node.args, expected) : both(node.args, expected);
    case "!_":
      return necessary(node.args, !expected);
    case "==":
      return equality(node.args, expected);
    case "!=":
      return equality(node.args, !expected);
    case "in":
      return membership(node.args, expected);
    case "<":
    case "<=":
    case ">":
    case ">=":
      return order(expected ? node.op : (OPPOSITE[node.op] ?? ""), node.args);
    case "rcall":
      return textMethod(node, expected);
    default: {
      const read = readerOf(node);
      return read === null ? null : (context) => read(context) === expected;
    }
  }
}

function mentionsBudgets(node: ASTNode): boolean {
  return [...mentionsOf(node)].some((name) => name.startsWith("budget."));
}

type Sides = readonly [ASTNode, ASTNode];

function both([left, right]: Sides, expected: boolean): Precheck | null {
  // What costs something to know is asked last; the order makes no difference to the answer.
  const isDear = mentionsBudgets(left);
  const first = necessary(isDear ? right : left, expected);
  const second = necessary(isDear ? left : right, expected);
  if (first === null || second === null) return first ?? second;
  return (context) => first(context) && second(context);
}

function either([left, right]: Sides, expected: boolean): Precheck | null {
  const first = necessary(left, expected);
  const second = necessary(right, expected);
  if (first === null || second === null) return null;
  return (context) => first(context) || second(context);
}

function equality([left, right]: Sides, expected: boolean): Precheck | null {
  const [first, second] = [readerOf(left), readerOf(right)];
  if (first === null || second === null) return null;
  return (context) => {
    const [a, b] = [first(context), second(context)];
    return isUnknown(a) || isUnknown(b) || (a === b) === expected;
  };
}

function membership([left, right]: Sides, expected: boolean): Precheck | null {
  const read = readerOf(left);
  if (read === null || right.op !== "list") return null;
  const values = right.args.map(literal);
  if (values.includes(null)) return null;
  const set: ReadonlySet<Value | null> = new Set(values);
  return (context) => set.has(read(context)) === expected;
}

function order(operator: string, [left, right]: Sides): Precheck | null {
  const holds = ORDERS[operator];
  const [first, second] = [numberOf(left), numberOf(right)];
  if (holds === undefined || first === null || second === null) return null;
  return (context) => {
    const [a, b] = [first(context), second(context)];
    return isUnknown(a) || isUnknown(b) || holds(a, b);
  };
}

/** A sum that is not exact: CEL has to be asked. */
function isUnknown(value: Value): boolean {
  return Number.isNaN(value);
}

function textMethod(node: ASTNode & { readonly op: "rcall" }, expected: boolean): Precheck | null {
  const [method, receiver, [argument, ...more]] = node.args;
  const holds = Object.hasOwn(TEXT_METHODS, method) ? TEXT_METHODS[method] : undefined;
  if (holds === undefined || argument === undefined || more.length > 0) return null;
  const part = literal(argument);
  const read = readerOf(receiver);
  if (typeof part !== "string" || read === null) return null;
  return (context) => {
    const text = read(context);
    return typeof text === "string" && holds(text, part) === expected;
  };
}

/** Reads what `node` names or says; a label that is missing equals no text. */
function readerOf(node: ASTNode): Read | null {
  const value = literal(node);
  if (value !== null) return () => value;
  const [root, label, ...more] = pathOf(node) ?? [];
  if (root === "labels" && label !== undefined && more.length === 0)
    return ({ facts: { labels } }) =>
      Object.hasOwn(labels, label) ? (labels[label] ?? "") : false;
  return textOf(node) ?? numberOf(node);
}

function textOf(node: ASTNode): Read | null {
  const fact = factOf(node);
  return fact === null || fact.type === "int" || fact.type === "double" ? null : fact.read;
}

/** Reads a number: a fact, a literal, or a sum of such; not a number where that would not be exact. */
function numberOf(node: ASTNode): ((context: FactContext) => number) | null {
  const value = literal(node);
  if (typeof value === "number") return () => value;
  const combine = SUMS[node.op];
  if (combine !== undefined && Array.isArray(node.args)) return sumOf(node, combine);
  const fact = factOf(node);
  if (fact?.type === "int") return (context) => Math.trunc(fact.read(context));
  return fact?.type === "double" ? fact.read : null;
}

function sumOf(
  node: ASTNode,
  combine: (a: number, b: number) => number,
): ((context: FactContext) => number) | null {
  const [left, right] = node.args as unknown as Sides;
  const [first, second] = [numberOf(left), numberOf(right)];
  if (first === null || second === null) return null;
  return (context) => {
    const sum = combine(first(context), second(context));
    return Math.abs(sum) <= Number.MAX_SAFE_INTEGER ? sum : Number.NaN;
  };
}

function factOf(node: ASTNode): ScalarFact | null {
  const name = pathOf(node)?.join(".");
  return name === undefined ? null : (SCALAR_FACTS[name] ?? null);
}

/** A literal as JavaScript compares it; null where it is none, or a number that is not exact. */
function literal(node: ASTNode): Value | null {
  if (node.op === "-_") {
    const inner = literal(node.args);
    return typeof inner === "number" ? -inner : null;
  }
  if (node.op !== "value") return null;
  const { args: value } = node;
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : null;
  if (typeof value === "string" || typeof value === "boolean") return value;
  return typeof value === "number" && !Number.isNaN(value) ? value : null;
}
