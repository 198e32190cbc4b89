/** Virtual keys as CSV: a row becomes the fields of a key, and a fault finds back to line and column. */
import { LABEL_NAME } from "../config/scalar.ts";
import { BUDGET_WORD, budgetOfWord } from "./budget-word.ts";
import { formatCsv, parseCsv, type CsvRow } from "./csv.ts";
import type { ListProblems } from "./ports.ts";
import type { RowFault } from "./problem.ts";

const KEY_ROWS_MAX = 10_000;

const PLAIN_COLUMNS = ["id", "name", "team", "owner", "expires"] as const;
const COLUMNS: readonly string[] = [...PLAIN_COLUMNS, "budget", "models", "provider"];
const LABEL = "label:";
/** What a text of keys looks like, in a sentence. */
export const KEY_CSV = `The first line names the columns, in any order: ${COLUMNS.join(", ")}, label:NAME; only id and team are needed.`;
const BETWEEN = ";";
const TWICE = "this column is there twice: keep one";
const COLUMN_CHARACTERS_SHOWN = 134;

export interface KeyRow {
  readonly line: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

type Read = { readonly rows: readonly KeyRow[] } | { readonly faults: readonly RowFault[] };

/** Reads keys; the first row names the columns, in any order. All faults of form are told at once. */
export function readKeyRows(text: string): Read {
  const parsed = parseCsv(text);
  if ("message" in parsed) return { faults: [{ ...parsed, column: null }] };
  const [header, ...rows] = parsed;
  if (header === undefined || rows.length === 0) {
    const message = "there is no key: write a line of column names, then a line for each key";
    return { faults: [{ line: 1, column: null, message }] };
  }
  if (rows.length > KEY_ROWS_MAX) {
    const message = `there are ${rows.length} keys: send at most ${KEY_ROWS_MAX} at a time`;
    return { faults: [{ line: rows[KEY_ROWS_MAX]?.line ?? 1, column: null, message }] };
  }
  const faults = headerFaults(header);
  if (faults.length > 0) return { faults };
  const report = (fault: RowFault): void => void faults.push(fault);
  const keys = rows.map((row) => ({ line: row.line, fields: fieldsOf(header, row, report) }));
  faults.push(...repeatedIds(keys));
  return faults.length > 0 ? { faults } : { rows: keys };
}

/** Problems of keys, told of the lines that they were read from. */
export function rowFaults(problems: ListProblems, rows: readonly KeyRow[]): RowFault[] {
  const inOrder = problems.toSorted((left, right) => left.index - right.index);
  return inOrder.map(({ index, message, field }) => ({
    line: rows[index]?.line ?? 1,
    column: field === undefined ? null : columnOf(field),
    message,
  }));
}

/** A key that was made, as its line shows it. */
export interface MadeKey {
  readonly id: string;
  readonly name: string | null;
  readonly team: string;
  readonly owner: string | null;
  readonly secret: string;
}

const MADE_COLUMNS = ["id", "name", "team", "owner", "secret"] as const;

/** Keys with their secrets, in the form in which they can be handed out. */
export function printKeyRows(keys: readonly MadeKey[]): string {
  const rows = keys.map((key) => MADE_COLUMNS.map((column) => key[column] ?? ""));
  return formatCsv([MADE_COLUMNS, ...rows]);
}

function headerFaults({ line, cells }: CsvRow): RowFault[] {
  const faults: RowFault[] = [];
  for (const [index, column] of cells.entries()) {
    const message = cells.indexOf(column) < index ? TWICE : columnFault(column);
    if (message !== null)
      faults.push({ line, column: column.slice(0, COLUMN_CHARACTERS_SHOWN), message });
  }
  for (const column of ["id", "team"]) {
    if (!cells.includes(column)) faults.push({ line, column, message: "this column is missing" });
  }
  return faults;
}

/** Null: it is a column of keys. */
function columnFault(column: string): string | null {
  if (COLUMNS.includes(column)) return null;
  if (column.startsWith(LABEL) && LABEL_NAME.test(column.slice(LABEL.length))) return null;
  if (column === "secret") return "secrets are made here and answered: leave the column out";
  return `this column is not known: use ${COLUMNS.join(", ")} or label:NAME`;
}

type Report = (fault: RowFault) => void;

function fieldsOf(header: CsvRow, row: CsvRow, report: Report): Record<string, unknown> {
  const { line, cells } = row;
  const cellOf = (column: string): string => cells[header.cells.indexOf(column)]?.trim() ?? "";
  if (cells.length !== header.cells.length) {
    const message = `this line has ${cells.length} values, the header ${header.cells.length}`;
    report({ line, column: null, message });
  }
  const labels = header.cells
    .filter((column) => column.startsWith(LABEL) && cellOf(column) !== "")
    .map((column) => [column.slice(LABEL.length), cellOf(column)]);
  const budgets = budgetsOf(cellOf("budget"), line, report);
  const providers = providersOf(
    { line, provider: cellOf("provider"), models: cellOf("models") },
    report,
  );
  return {
    ...Object.fromEntries(
      PLAIN_COLUMNS.filter((column) => cellOf(column) !== "" || column === "id").map((column) => [
        column,
        cellOf(column),
      ]),
    ),
    ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) as unknown }),
    ...(budgets.length === 0 ? {} : { budgets }),
    ...(providers.length === 0 ? {} : { providers }),
  };
}

function budgetsOf(cell: string, line: number, report: Report): unknown[] {
  return listOf(cell).flatMap((word) => {
    const budget = budgetOfWord(word);
    if (budget !== null) return [budget];
    report({ line, column: "budget", message: `${word} is no budget: write ${BUDGET_WORD}` });
    return [];
  });
}

function providersOf(
  of: { readonly line: number; readonly provider: string; readonly models: string },
  report: Report,
): unknown[] {
  const models = listOf(of.models);
  const providers = listOf(of.provider);
  if (models.length > 0 && providers.length === 0) {
    const message = "models are of a provider: name it in the column provider";
    report({ line: of.line, column: "models", message });
  }
  return providers.map((id) => (models.length === 0 ? { id } : { id, models }));
}

function listOf(cell: string): string[] {
  return cell
    .split(BETWEEN)
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

function repeatedIds(rows: readonly KeyRow[]): RowFault[] {
  const lines = new Map<unknown, number>();
  return rows.flatMap(({ line, fields }) => {
    const id = fields["id"];
    const first = lines.get(id);
    if (first === undefined) lines.set(id, line);
    const message = `the same id is at line ${first} already: give each key its own`;
    return first === undefined || id === "" ? [] : [{ line, column: "id", message }];
  });
}

/** `budgets[0].usd` → budget; `labels.env` → label:env; `providers[0].models[1]` → models. */
function columnOf(field: string): string {
  if (field.startsWith("budgets")) return "budget";
  if (field.startsWith("providers")) return field.includes(".models") ? "models" : "provider";
  if (field.startsWith("labels")) return LABEL + field.replace(/^labels\.?/, "");
  return field;
}
