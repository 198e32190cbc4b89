/** The benchmark's table: one row for each figure, beside the baseline that it is compared with. */

export interface Row {
  readonly measure: string;
  readonly unit: string;
  readonly value: number | null;
  readonly baseline?: { readonly name: string; readonly value: number };
  /** Value ÷ baseline; where it is missing, of the two figures themselves. */
  readonly ratio?: number;
  /** The most that the ratio may be, or the value where there is no baseline. */
  readonly limit?: number;
}

const HEADING = ["measure", "unit", "Tollgate", "baseline", "", "ratio", "limit", ""] as const;
/** Columns of text; the others are figures. */
const LEFT = new Set([0, 1, 3, 7]);

/** The rows as aligned text. */
export function formatTable(rows: readonly Row[]): string {
  const cells = [[...HEADING], ...rows.map(cellsOf)];
  const widths = HEADING.map((_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? "").length)),
  );
  const lines = cells.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return LEFT.has(column) ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => "-".repeat(width)).join("  "));
  return lines.join("\n");
}

/** True where a row has a limit and is over it. */
export function isOver(row: Row): boolean {
  const judged = row.baseline === undefined ? row.value : ratioOf(row);
  return row.limit !== undefined && judged !== null && judged > row.limit;
}

function cellsOf(row: Row): string[] {
  const { baseline, limit } = row;
  const verdict = isOver(row) ? "over" : "ok";
  return [
    row.measure,
    row.unit,
    row.value === null ? "" : figure(row.value),
    baseline?.name ?? "",
    baseline === undefined ? "" : figure(baseline.value),
    baseline === undefined ? "" : figure(ratioOf(row) ?? Number.NaN),
    limit === undefined ? "" : `≤ ${figure(limit)}`,
    limit === undefined ? "" : verdict,
  ];
}

function ratioOf({ ratio, value, baseline }: Row): number | null {
  if (ratio !== undefined) return ratio;
  return value === null || baseline === undefined ? null : value / baseline.value;
}

/** Three figures, which is more than the machine gives. */
function figure(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 1000) return String(Math.round(value));
  if (Math.abs(value) >= 100) return value.toFixed(0);
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(value >= 1 ? 2 : 3);
}
