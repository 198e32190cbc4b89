/** The plain page at `/`: what the gateway is doing, for a person with a browser. No scripts. */
import type { RequestRow } from "../views/rows.ts";
import { budgetOrder } from "./budgets.ts";
import { html, type Html } from "./html.ts";
import type { BudgetView, SessionView } from "./ports.ts";
import type { Status } from "./status.ts";
import { sessionSection } from "./status-sessions.ts";
import { STYLE } from "./status-style.ts";

export interface StatusPage {
  readonly status: Status;
  readonly budgets: readonly BudgetView[];
  readonly sessions: readonly SessionView[];
  /** The newest first; null where they cannot be read now. */
  readonly requests: readonly RequestRow[] | null;
  /** For the form that signs out; null where there is no session to end. */
  readonly formToken: string | null;
}

const BUDGETS_SHOWN = 100;
const SESSIONS_SHOWN = 5;
const NANO_PER_CENT = 10_000_000n;
const CENT_DIGITS = 2;
const ROW_DIGITS = 4;

/** The page of somebody who is signed in. */
export function statusPage(page: StatusPage): string {
  const { status, budgets, sessions, requests, formToken } = page;
  return documentOf(html`
    <header>
      <h1>Tollgate</h1>
      <small>${status.version} on ${status.node}</small>
      ${readiness(status)} ${modeChip(status.mode)} ${signOut(formToken)}
    </header>
    <main>
      ${notes(status)} ${budgetSection(budgets)} ${sessionSection(sessions, status.time)}
      ${requestSection(requests)} ${linkSection(status)}
    </main>
    <footer><small>As of ${status.time}. Up since ${status.started}.</small></footer>
  `);
}

/** The form that asks for the admin token; `fault` is what was wrong with the last one. */
export function signInPage(fault: string | null): string {
  return documentOf(html`
    <main>
      <section class="sign-in">
        <h1>Tollgate</h1>
        <small>Sign in with the admin token that the first start has shown.</small>
        ${fault === null ? null : html`<p class="danger" role="alert">${fault}</p>`}
        <form method="post" action="/sign-in">
          <label for="token">Admin token</label>
          <input
            id="token"
            name="token"
            type="password"
            autocomplete="current-password"
            required
            autofocus
          />
          <button class="primary">Sign in</button>
        </form>
      </section>
    </main>
  `);
}

function documentOf(body: Html): string {
  // The policy allows the style by its digest, so it must stand here byte for byte.
  const style: Html = { markup: `<style>${STYLE}</style>` };
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Tollgate</title>
        <link rel="icon" href="data:," />
        ${style}
      </head>
      <body>
        ${body}
      </body>
    </html> `.markup;
}

function readiness({ ready }: Status): Html {
  return ready
    ? html`<span class="chip ok">Ready</span>`
    : html`<span class="chip danger">Not ready</span>`;
}

function modeChip(mode: Status["mode"]): Html {
  return mode === "enforce"
    ? html`<span class="chip ok">Enforcing</span>`
    : html`<span class="chip shadow">Observing: nothing is refused for a budget</span>`;
}

function signOut(formToken: string | null): Html | null {
  if (formToken === null) return null;
  return html`<form method="post" action="/sign-out">
    <input type="hidden" name="form_token" value="${formToken}" />
    <button>Sign out</button>
  </form>`;
}

function notes(status: Status): Html | null {
  const { reasons, provider_troubles: troubles, configuration_fault: fault, views } = status;
  const grave = [...reasons, ...troubles];
  const others = [
    ...(fault === null ? [] : [`The configuration on disk is not in force: ${fault}`]),
    ...(views.error === null ? [] : [`Rows and sums are behind: ${views.error}`]),
  ];
  if (grave.length + others.length === 0) return null;
  const word = grave.length > 0 ? "danger" : "warn";
  return html`<section class="note ${word}" role="status">
    <ul>
      ${[...grave, ...others].map((sentence) => html`<li>${sentence}</li>`)}
    </ul>
  </section>`;
}

function budgetSection(budgets: readonly BudgetView[]): Html {
  if (budgets.length === 0) {
    return html`<section>
      <h2>Budgets</h2>
      <p class="quiet">No budget is configured: nothing is capped.</p>
    </section>`;
  }
  const sorted = budgets.toSorted(byUse);
  // Sessions come and go by the dozen: they must not push what stays off the page.
  const sessions = new Set(sorted.filter(isOfClient).slice(0, SESSIONS_SHOWN));
  const shown = sorted
    .filter((budget) => !isOfClient(budget) || sessions.has(budget))
    .slice(0, BUDGETS_SHOWN);
  const left = budgets.length - shown.length;
  return html`<section>
    <svg class="vague" aria-hidden="true">
      <pattern id="held" width="6" height="6" patternUnits="userSpaceOnUse">
        <rect class="hatch-ground" width="6" height="6" />
        <path class="hatch" d="M-1 7 7 -1M-1 1 1 -1M5 7 7 5" />
      </pattern>
    </svg>
    <h2>
      Budgets <small>the most used first${left > 0 ? `; ${left} more in the API` : ""}</small>
    </h2>
    <table>
      <thead>
        <tr>
          <th>Scope</th>
          <th>Window</th>
          <th>Use</th>
          <th class="number">Settled</th>
          <th class="number">Held</th>
          <th class="number">Left, USD</th>
        </tr>
      </thead>
      <tbody>
        ${shown.map(budgetRow)}
      </tbody>
    </table>
  </section>`;
}

/** Windows that clients open: of sessions and their agents. */
function isOfClient({ scope }: BudgetView): boolean {
  return scope.type === "session" || scope.type === "subagent";
}

function byUse(left: BudgetView, right: BudgetView): number {
  const use = ({ settled, held, limit }: BudgetView): number =>
    limit <= 0n ? 1 : Number(((settled + held) * 1_000_000n) / limit);
  return use(right) - use(left) || (budgetOrder(left) < budgetOrder(right) ? -1 : 1);
}

/** Windows without an end: spans that slide, and those that never reset. */
function endless(per: string): string {
  return ["total", "session", "subagent"].includes(per) ? "never resets" : "slides";
}

function budgetRow(budget: BudgetView): Html {
  const { scope, virtualKey, per, limit, settled, held, endMs } = budget;
  const ends = endMs === null ? endless(per) : `ends ${minuteText(endMs)}`;
  return html`<tr>
    <td>
      <bdi>${scope.id}</bdi>
      <small
        >${scope.type.replaceAll("_", " ")}${virtualKey === null ? "" : ` of ${virtualKey}`}</small
      >
    </td>
    <td>${usd(limit, CENT_DIGITS)} / ${per}<small>${ends}</small></td>
    <td class="wide">${bar(budget)}</td>
    <td class="number" data-name="settled">${usd(settled, CENT_DIGITS)}</td>
    <td class="number" data-name="held">${usd(held, CENT_DIGITS)}</td>
    <td class="number" data-name="left">${usd(limit - settled - held, CENT_DIGITS)}</td>
  </tr>`;
}

function bar({ limit, settled, held }: BudgetView): Html {
  const settledShare = share(settled, limit);
  const heldShare = Math.min(share(held, limit), 100 - settledShare);
  const text = `${usd(settled, CENT_DIGITS)} settled and ${usd(held, CENT_DIGITS)} held of ${usd(limit, CENT_DIGITS)}`;
  return html`<svg class="bar" width="100%" height="8" role="img" aria-label="${text}">
    <rect class="track" width="100%" height="8" />
    <rect class="settled" width="${settledShare}%" height="8" />
    <rect class="held" x="${settledShare}%" width="${heldShare}%" height="8" />
  </svg>`;
}

/** Percent of a cap, for drawing alone. */
function share(amount: bigint, limit: bigint): number {
  if (limit <= 0n) return 100;
  return Math.max(0, Math.min(100, Number((amount * 10_000n) / limit) / 100));
}

function requestSection(requests: readonly RequestRow[] | null): Html {
  if (requests === null) {
    return html`<section>
      <h2>Last requests</h2>
      <p class="quiet">They cannot be read now; requests are served all the same.</p>
    </section>`;
  }
  if (requests.length === 0) {
    return html`<section>
      <h2>Last requests</h2>
      <p class="quiet">No request yet. Paste the two lines below where Claude Code runs.</p>
    </section>`;
  }
  return html`<section>
    <h2>Last requests <small>the newest first, times in UTC</small></h2>
    <table>
      <thead>
        <tr>
          <th>Time</th>
          <th>Key</th>
          <th>Model</th>
          <th>Outcome</th>
          <th class="number">Tokens in</th>
          <th class="number">Out</th>
          <th class="number">Took</th>
          <th class="number">Cost, USD</th>
        </tr>
      </thead>
      <tbody>
        ${requests.map(requestRow)}
      </tbody>
    </table>
  </section>`;
}

function requestRow(row: RequestRow): Html {
  const { usage } = row;
  const input =
    usage.input_tokens +
    usage.cache_read_input_tokens +
    usage.cache_write_5m_input_tokens +
    usage.cache_write_1h_input_tokens;
  return html`<tr>
    <td><time datetime="${row.time}">${row.time.slice(0, 19).replace("T", " ")}</time></td>
    <td><bdi>${row.virtual_key ?? "no key"}</bdi><small>${row.task_type}</small></td>
    <td>
      <bdi>${row.model ?? row.requested_model ?? "—"}</bdi>
      <small>${row.provider ?? ""}${row.price === "rehearsal" ? " (no real model)" : ""}</small>
    </td>
    <td>${outcome(row)}</td>
    <td class="number" data-name="in">${count(input)}</td>
    <td class="number" data-name="out">${count(usage.output_tokens)}</td>
    <td class="number" data-name="took">${duration(row.latency_ms)}</td>
    <td class="number" data-name="USD">${row.estimated ? "≈ " : ""}${rowCost(row.cost_usd)}</td>
  </tr>`;
}

function outcome({ outcome: word, refusal, status }: RequestRow): Html {
  const tone = { ok: "ok", refused: "danger", upstream_error: "danger" }[word] ?? "warn";
  const code = refusal ?? (word === "ok" || status === null ? "" : String(status));
  return html`<span class="chip ${tone}">${word.replaceAll("_", " ")}</span>
    ${code === "" ? null : html`<small>${code}</small>`}`;
}

function linkSection({ url }: Status): Html {
  return html`<section>
    <h2>Use it</h2>
    <pre>
export ANTHROPIC_BASE_URL=${url}/anthropic
export ANTHROPIC_API_KEY=vk_…</pre>
    <ul>
      <li><a href="/api/openapi.json">The control API, described as OpenAPI 3.1</a></li>
      <li><a href="/metrics">Metrics for Prometheus</a></li>
      <li>
        <a href="/api/v1/budgets">Budgets</a>, <a href="/api/v1/requests">requests</a> and
        <a href="/api/v1/usage?group_by=team,virtual_key">usage</a> as JSON
      </li>
      <li>On the gateway's machine: <code>tollgate --help</code></li>
    </ul>
  </section>`;
}

/** Dollars with so many digits, rounded half away from zero; a small amount is not shown as none. */
function usd(nano: bigint, digits: number): string {
  const unit = NANO_PER_CENT / 10n ** BigInt(digits - CENT_DIGITS);
  const magnitude = nano < 0n ? -nano : nano;
  if (magnitude > 0n && magnitude < unit) return `${nano < 0n ? "−" : ""}<$${smallest(digits)}`;
  const rounded = (magnitude + unit / 2n) / unit;
  const text = rounded.toString().padStart(digits + 1, "0");
  const whole = text.slice(0, -digits).replace(/\B(?=(\d{3})+$)/g, ",");
  return `${nano < 0n ? "−" : ""}$${whole}.${text.slice(-digits)}`;
}

function smallest(digits: number): string {
  return `0.${"1".padStart(digits, "0")}`;
}

function rowCost(text: string): string {
  const [whole = "0", fraction = ""] = text.split(".");
  return usd(BigInt(whole + fraction.padEnd(9, "0")), ROW_DIGITS);
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

function duration(timeMs: number): string {
  return timeMs < 1000 ? `${timeMs} ms` : `${(timeMs / 1000).toFixed(1)} s`;
}

function minuteText(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
