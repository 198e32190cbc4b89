/** Comma-separated values as RFC 4180 has them; line ends of every system are taken. */

/** A body of comma-separated values, as it came. */
export class CsvText {
  readonly csv: string;

  constructor(csv: string) {
    this.csv = csv;
  }
}

export interface CsvRow {
  /** Where it begins, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

export interface CsvFault {
  readonly line: number;
  readonly message: string;
}

const BYTE_ORDER_MARK = /^\uFEFF/;
const PLAIN = /[^",\r\n]*/y;
const END = /,|\r\n|\r|\n|$/y;
const LINE_END = /\r\n|\r|\n/g;

/** The rows of a text, without those that are empty; or where it is no such text. */
export function parseCsv(text: string): readonly CsvRow[] | CsvFault {
  const source = text.replace(BYTE_ORDER_MARK, "");
  const rows: CsvRow[] = [];
  let line = 1;
  let begun = line;
  let cells: string[] = [];
  let at = 0;
  for (;;) {
    const cell = source[at] === '"' ? quotedAt(source, at + 1) : plainAt(source, at);
    const end = cell === null ? null : endAt(source, cell.next);
    if (cell === null || end === null) {
      const message =
        "a quote is not closed, or stands where it cannot: double it, and put the value in quotes";
      return { line, message };
    }
    cells.push(cell.text);
    line += cell.text.match(LINE_END)?.length ?? 0;
    at = cell.next + end.length;
    if (end === ",") continue;
    if (cells.length > 1 || cells[0] !== "") rows.push({ line: begun, cells });
    if (at >= source.length) return rows;
    begun = ++line;
    cells = [];
  }
}

interface Cell {
  readonly text: string;
  /** Behind it, and behind its closing quote. */
  readonly next: number;
}

function plainAt(source: string, at: number): Cell {
  PLAIN.lastIndex = at;
  const text = PLAIN.exec(source)?.[0] ?? "";
  return { text, next: at + text.length };
}

/** `at` is behind the opening quote. Null: no closing one. */
function quotedAt(source: string, at: number): Cell | null {
  let close = source.indexOf('"', at);
  while (close >= 0 && source[close + 1] === '"') close = source.indexOf('"', close + 2);
  if (close < 0) return null;
  return { text: source.slice(at, close).replaceAll('""', '"'), next: close + 1 };
}

/** What ends a cell; null where something else follows it. */
function endAt(source: string, at: number): string | null {
  END.lastIndex = at;
  return END.exec(source)?.[0] ?? null;
}

/** Prints rows; cells are quoted where they have to be. */
export function formatCsv(rows: readonly (readonly string[])[]): string {
  return rows.map((cells) => `${cells.map(quotedCell).join(",")}\r\n`).join("");
}

function quotedCell(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
