/** The screen of `tollgate top`: one reading as lines that fit the terminal. Pure. */
import { counted, counting, shortDollars } from "./numbers.ts";
import { type Column, tableLines } from "./table.ts";
import type { BurningSession, Refusal, TopReading, UsedBudget } from "./top-reading.ts";

export interface Screen {
  readonly columns: number;
  readonly rows: number;
}

const SESSION_CHARACTERS = 8;
const FULL_PERCENT = 100;
const ROOMY_ROWS = 36;
const FEW = { sessions: 5, budgets: 4, troubles: 2, refusals: 3 } as const;
const MANY = { sessions: 12, budgets: 8, troubles: 4, refusals: 6 } as const;

const SESSIONS: readonly Column<BurningSession>[] = [
  { title: "KEY", cut: true, value: ({ virtual_key: key }) => key ?? "—" },
  { title: "SESSION", value: ({ session }) => session?.slice(0, SESSION_CHARACTERS) ?? "—" },
  { title: "MODEL", cut: true, value: ({ model }) => model ?? "—" },
  { title: "$/H", align: "right", value: ({ usd_per_hour: rate }) => cents(rate) },
  { title: "24 H", align: "right", value: ({ usd_day: total }) => cents(total) },
];

const BUDGETS: readonly Column<UsedBudget>[] = [
  { title: "BUDGET", cut: true, value: ({ scope }) => scope },
  { title: "PER", value: ({ per }) => per },
  { title: "CAP", align: "right", value: ({ limit_usd }) => cents(Number(limit_usd)) },
  { title: "SETTLED", align: "right", value: ({ settled_usd }) => shortDollars(settled_usd) },
  { title: "HELD", align: "right", value: ({ held_usd }) => shortDollars(held_usd) },
  { title: "USED", align: "right", value: ({ utilization }) => percent(utilization) },
];

const REFUSALS: readonly Column<Refusal>[] = [
  { title: "TIME", value: ({ time }) => time.slice(11, 19) },
  { title: "KEY", cut: true, value: ({ virtual_key: key }) => key ?? "—" },
  { title: "REFUSED", value: ({ refusal }) => refusal ?? "—" },
  { title: "MODEL", cut: true, value: ({ requested_model: model }) => model ?? "—" },
];

/** The lines of a screen, none longer than it is wide, no more than it has rows. */
export function topLines(reading: TopReading, { columns, rows }: Screen): string[] {
  const most = rows < ROOMY_ROWS ? FEW : MANY;
  const { sessions, budgets, troubles, refusals } = reading;
  const lines = [
    ...summary(reading),
    ...section("Burning sessions", tableOf(sessions, SESSIONS, most.sessions, columns)),
    ...section("Budgets most used", tableOf(budgets, BUDGETS, most.budgets, columns)),
    ...section("Troubles", troubles.slice(0, most.troubles)),
    ...section("Refused lately", tableOf(refusals, REFUSALS, most.refusals, columns)),
  ];
  return lines.slice(0, rows).map((line) => cut(line, columns));
}

function summary(reading: TopReading): string[] {
  const { version, node, mode, time, span_seconds: span, requests } = reading;
  const over = span % 60 === 0 ? `${span / 60} min` : `${span} s`;
  return [
    `tollgate ${version} · node ${node} · ${mode} · ${time.slice(11, 19)}Z`,
    `${cents(reading.usd_per_hour)}/h over ${over} · ${counting(requests, "request")} · ` +
      `${counted(reading.in_flight)} in flight hold ${shortDollars(reading.held_usd)}`,
  ];
}

function tableOf<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  most: number,
  width: number,
): string[] {
  return rows.length === 0 ? [] : tableLines(rows.slice(0, most), columns, width);
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? ["", `${title}: none`] : ["", title, ...lines];
}

function cents(usd: number): string {
  return `$${usd.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}

function percent(share: number | null): string {
  return share === null ? "—" : `${(share * FULL_PERCENT).toFixed(1)} %`;
}

function cut(line: string, columns: number): string {
  return line.length > columns ? `${line.slice(0, columns - 1)}…` : line;
}
