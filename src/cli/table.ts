/** Tables of text that fit a terminal of 80 columns. */

export interface Column<Row> {
  /** With its unit, where it has one. */
  readonly title: string;
  readonly align?: "left" | "right";
  /** May be cut where the table is too wide; others never are. */
  readonly cut?: true;
  readonly value: (row: Row) => string;
}

const GAP = "  ";
const NARROWEST = 6;
// What would start a new line in a terminal, or command it.
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** The lines of a table, head first; `width` is what the cuttable columns give way to. */
export function tableLines<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width = 80,
): string[] {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ value }) => value(row).replace(UNPRINTABLE, "·"))),
  ];
  const widths = fit(columns, cells, width);
  return cells.map((line) =>
    line
      .map((cell, index) => padded(cell, widths[index] ?? 0, columns[index]?.align ?? "left"))
      .join(GAP)
      .trimEnd(),
  );
}

/** Widths of the columns: their longest cells', the widest cuttable ones narrowed one by one. */
function fit<Row>(
  columns: readonly Column<Row>[],
  cells: readonly (readonly string[])[],
  width: number,
): number[] {
  const widths = columns.map((_, index) =>
    Math.max(...cells.map((line) => line[index]?.length ?? 0)),
  );
  const total = (): number =>
    widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1);
  while (total() > width) {
    const widest = columns.reduce<number | null>((best, { cut }, index) => {
      const room = (widths[index] ?? 0) - NARROWEST;
      if (cut !== true || room <= 0) return best;
      return best === null || (widths[index] ?? 0) > (widths[best] ?? 0) ? index : best;
    }, null);
    if (widest === null) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function padded(cell: string, width: number, align: "left" | "right"): string {
  const text = cell.length > width ? `${cell.slice(0, width - 1)}…` : cell;
  return align === "left" ? text.padEnd(width) : text.padStart(width);
}
