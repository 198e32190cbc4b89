/** `tollgate shadow`: what enforcement would have done where scopes only observe, and to whom. */
import type { Command } from "commander";
import type { PrintedShadowReport } from "../control/shadow.ts";
import { counted, counting, minute, shortDollars } from "./numbers.ts";
import { tableLines, type Column } from "./table.ts";
import { complain, say, sayJson } from "./terminal.ts";
import { newVerb, type Session, type StandardOptions, withControl, withExamples } from "./verb.ts";

interface ShadowOptions extends StandardOptions {
  readonly from?: string;
  readonly to?: string;
}

type Scope = PrintedShadowReport["scopes"][number];
type Hit = Scope["hit"][number] & { readonly scope: string };

const HITS_SHOWN = 10;

export function shadowVerb(session: Session): Command {
  const command = newVerb("shadow", "show what scopes that only observe would have refused")
    .option("--from <time>", "RFC 3339; from this moment on (the start of this week)")
    .option("--to <time>", "RFC 3339; before this moment")
    .action((options: ShadowOptions) =>
      withControl(options, session, async (control) => {
        const report = (await control.call("GET", pathOf(options))) as PrintedShadowReport;
        if (options.json === true) return sayJson(report);
        print(report);
      }),
    );
  return withExamples(command, ["shadow", "shadow --from 2026-11-01T00:00:00Z --json"]);
}

function pathOf({ from, to }: ShadowOptions): string {
  const query = new URLSearchParams();
  if (from !== undefined) query.set("from", from);
  if (to !== undefined) query.set("to", to);
  return `/api/v1/shadow/report?${query.toString()}`;
}

function print({ scopes, observed_requests, from, to }: PrintedShadowReport): void {
  const range = `from ${minute(from)} to ${minute(to)}`;
  if (observed_requests === 0) return complain(`Nothing was observed ${range}.`);
  if (scopes.length > 0) {
    for (const line of tableLines(scopes, COLUMNS)) say(line);
    const hits = scopes.flatMap((scope) =>
      scope.hit.slice(0, HITS_SHOWN).map((hit) => ({ ...hit, scope: nameOf(scope) })),
    );
    say("");
    for (const line of tableLines(hits, HIT_COLUMNS)) say(line);
  }
  complain(`${counting(observed_requests, "request")} observed ${range}.`);
}

function nameOf({ scope }: Scope): string {
  return scope === null ? "—" : `${scope.type}/${scope.id}`;
}

function number(title: string, value: (scope: Scope) => number): Column<Scope> {
  return { title, align: "right", value: (scope) => counted(value(scope)) };
}

const COLUMNS: readonly Column<Scope>[] = [
  { title: "SCOPE", cut: true, value: nameOf },
  number("REQS", ({ requests }) => requests),
  number("REFUSED", ({ would_refuse }) =>
    Object.values(would_refuse).reduce((sum, count) => sum + count, 0),
  ),
  {
    title: "CODES",
    cut: true,
    value: ({ would_refuse }) =>
      Object.entries(would_refuse)
        .map(([code, count]) => `${code} ${count}`)
        .join(", "),
  },
  number("WAITED", ({ would_wait }) => would_wait),
  number("CLAMPED", ({ would_clamp }) => would_clamp),
  number(
    "OTHER",
    ({ would_reroute, would_change, would_slow }) => would_reroute + would_change + would_slow,
  ),
  { title: "SAVED", align: "right", value: ({ saved_usd }) => shortDollars(saved_usd) },
];

const HIT_COLUMNS: readonly Column<Hit>[] = [
  { title: "BY", cut: true, value: ({ scope }) => scope },
  { title: "WOULD HIT", cut: true, value: ({ virtual_key }) => virtual_key ?? "—" },
  { title: "OWNER", cut: true, value: ({ owner }) => owner ?? "—" },
  { title: "REQS", align: "right", value: ({ requests }) => counted(requests) },
  { title: "FIRST", value: ({ first }) => minute(first) },
  { title: "LAST", value: ({ last }) => minute(last) },
];
