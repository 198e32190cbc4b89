/** A rule's expression: checked once against the facts' types, then asked request by request. */
import {
  type ASTNode,
  EvaluationError,
  ParseError,
  type ParseResult,
  TypeError as CelTypeError,
} from "@marcbachmann/cel-js";
import type { ExpressionFault } from "../../config/routing-check.ts";
import { type CelFacts, celFacts } from "./cel.ts";
import { SCALAR_FACTS } from "./facts.ts";
import { mentionsOf, namesAfter, pathOf, walk } from "./paths.ts";
import { type Precheck, precheckOf } from "./precheck.ts";

export interface Expression {
  readonly text: string;
  /** Facts that it mentions, as in the table of facts; maps by their own name. */
  readonly mentions: ReadonlySet<string>;
  /** Where it is false there is no need to evaluate; null: nothing is known beforehand. */
  readonly precheck: Precheck | null;
  /** Whether it is true of these variables; what went wrong, where it fails. */
  readonly evaluate: (variables: Record<string, unknown>) => boolean | { readonly failed: string };
}

export type Compiled =
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly fault: ExpressionFault };

/** Compiles `text`; never throws for what it holds. */
export function compileExpression(
  text: string,
  { environment }: CelFacts,
  providerIds: readonly string[],
): Compiled {
  let parsed: ParseResult;
  try {
    parsed = environment.parse(text);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return { ok: false, fault: { offset: offsetOf(error), problem: plain(error), near: null } };
  }
  const { ast } = parsed;
  const fault = idFault(ast, providerIds) ?? typeFault(parsed, providerIds) ?? valueFault(ast);
  if (fault !== null) return { ok: false, fault };
  const expression = {
    text,
    mentions: mentionsOf(ast),
    precheck: precheckOf(ast),
    evaluate: (variables: Record<string, unknown>) => ask(parsed, variables),
  };
  return { ok: true, expression };
}

/** Making one takes far longer than checking an expression; a file's are checked over one list. */
const environments = new WeakMap<readonly string[], CelFacts>();

/** The fault of an expression over a configuration with these providers; null where it has none. */
export function expressionFault(
  text: string,
  providerIds: readonly string[],
): ExpressionFault | null {
  const known = environments.get(providerIds) ?? celFacts(providerIds);
  environments.set(providerIds, known);
  const compiled = compileExpression(text, known, providerIds);
  return compiled.ok ? null : compiled.fault;
}

function ask(
  parsed: ParseResult,
  variables: Record<string, unknown>,
): boolean | { readonly failed: string } {
  try {
    return parsed(variables) === true;
  } catch (error) {
    // The library's functions throw errors of other kinds too; whatever it is, it is this rule's.
    if (error instanceof Error) return { failed: isCelError(error) ? plain(error) : error.message };
    throw error;
  }
}

function isCelError(error: Error): error is EvaluationError | CelTypeError {
  return error instanceof EvaluationError || error instanceof CelTypeError;
}

/** What CEL itself takes, but would fail or harm at run time. */
function idFault(ast: ASTNode, providerIds: readonly string[]): ExpressionFault | null {
  let fault: ExpressionFault | null = null;
  walk(ast, (node) => {
    if (fault !== null) return;
    const [root, id, ...rest] = pathOf(node) ?? [];
    if (
      root === "providers" &&
      id !== undefined &&
      rest.length === 0 &&
      !providerIds.includes(id)
    ) {
      const problem = `no provider has the id ${JSON.stringify(id)}`;
      fault = { offset: endOf(node, id), problem, near: { wrong: id, valid: providerIds } };
    }
    // The client chooses some of the texts: no pattern may take them time without end.
    if (node.op === "rcall" && node.args[0] === "matches") {
      const problem = "matches is not available: use ==, in, startsWith, endsWith or contains";
      fault = { offset: node.range.start, problem, near: null };
    }
  });
  return fault;
}

function typeFault(parsed: ParseResult, providerIds: readonly string[]): ExpressionFault | null {
  const checked = parsed.check();
  if (checked.valid && (checked.type === "bool" || checked.type === "dyn")) return null;
  if (checked.valid || checked.error === undefined) {
    const problem = `it gives ${checked.type ?? "nothing"}, not true or false`;
    return { offset: 0, problem, near: null };
  }
  const { error } = checked;
  const problem = plain(error);
  const offset = offsetOf(error);
  const wrong = /^(?:Unknown variable|No such key): (\S+)$/.exec(problem)?.[1];
  if (wrong === undefined) return { offset, problem, near: null };
  const before = pathBefore(parsed.ast, offset);
  const name = JSON.stringify([...before, wrong].join("."));
  const near = { wrong, valid: namesAfter(before, providerIds) };
  return { offset, problem: `no fact is called ${name}`, near };
}

/** Comparisons with a value that the fact never has: the rule would be silent for ever. */
function valueFault(ast: ASTNode): ExpressionFault | null {
  let fault: ExpressionFault | null = null;
  walk(ast, (node) => {
    if (fault !== null || (node.op !== "==" && node.op !== "!=" && node.op !== "in")) return;
    const [left, right] = node.args;
    fault = strangerIn(left, right) ?? (node.op === "in" ? null : strangerIn(right, left));
  });
  return fault;
}

function strangerIn(named: ASTNode, compared: ASTNode): ExpressionFault | null {
  const path = pathOf(named)?.join(".") ?? "";
  const values = SCALAR_FACTS[path]?.values;
  if (values === undefined) return null;
  for (const node of compared.op === "list" ? compared.args : [compared]) {
    if (node.op !== "value" || typeof node.args !== "string" || values.includes(node.args))
      continue;
    const wrong = node.args;
    const problem = `${path} is never ${JSON.stringify(wrong)}`;
    return { offset: node.range.start, problem, near: { wrong, valid: values } };
  }
  return null;
}

/** The path of what the name at `offset` is looked up in. */
function pathBefore(ast: ASTNode, offset: number): readonly string[] {
  let before: readonly string[] = [];
  walk(ast, (node) => {
    if (node.op !== "." || offset < node.args[0].range.end || offset >= node.range.end) return;
    before = pathOf(node.args[0]) ?? before;
  });
  return before;
}

/** Where the last name of a path begins. */
function endOf(node: ASTNode, name: string): number {
  const { start, end } = node.range;
  const at = node.input.slice(start, end).lastIndexOf(name);
  return at < 0 ? start : start + at;
}

type CelError = ParseError | EvaluationError | CelTypeError;

function offsetOf(error: CelError): number {
  return error.range?.start ?? 0;
}

/** The library's sentence without its drawing of the place. */
function plain(error: CelError): string {
  return error.summary;
}
