/** A fault of the configuration: where it is, what is wrong and what would be right, on one line. */
import { shown } from "./secrecy.ts";

export interface Fault {
  /** As the file was named; "environment" for a setting that comes from there. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
  /** `virtual_keys[0].budgets[1].usd`, or the name of the variable. */
  readonly path: string;
  /** What is wrong, the value (never a secret) and the remedy. */
  readonly message: string;
}

/** Map keys and list indices from the root of the file inwards. */
export type Path = readonly (string | number)[];

/** The `file` of faults in settings that come from the environment. */
export const ENVIRONMENT = "environment";
/** The `file` of faults in virtual keys that were made through the API. */
export const API = "api";

/** In the order in which their faults are told; the file, which has any other name, before them. */
const SOURCES = [ENVIRONMENT, API];

/** What both printed forms and log lines start with for a thing that is legal but unwise. */
const WARNING = "warning: ";

// What would start a new line in a terminal or a log: control characters, U+2028 and U+2029.
const BREAKS = /[\p{Cc}\u2028\u2029]/gu;

/** Prints a fault as one line: `file:line:column path: message`. */
export function formatFault(fault: Fault): string {
  const line = `${fault.file}:${fault.line}:${fault.column} ${fault.path}: ${fault.message}`;
  return line.replace(BREAKS, " ");
}

/** Prints a warning as one line, in the form of a fault after `warning: `. */
export function formatWarning(warning: Fault): string {
  return WARNING + formatFault(warning);
}

/** The faults in the order of the file; those of other sources after it. Does not change its input. */
export function sortFaults(faults: readonly Fault[]): Fault[] {
  return faults.toSorted(
    (a, b) =>
      SOURCES.indexOf(a.file) - SOURCES.indexOf(b.file) ||
      a.line - b.line ||
      a.column - b.column ||
      compareText(a.path, b.path) ||
      compareText(a.message, b.message),
  );
}

/** Prints a path: `server.timeouts.idle`, `virtual_keys[0].labels["a b"]`; the root is `(file)`. */
export function pathText(path: Path): string {
  let text = "";
  for (const segment of path) {
    if (typeof segment === "number") text += `[${segment}]`;
    else if (!/^[\w-]+$/.test(segment) || shown(segment) !== JSON.stringify(segment)) {
      text += `[${shown(segment)}]`;
    } else text += text === "" ? segment : `.${segment}`;
  }
  return text === "" ? "(file)" : text;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
