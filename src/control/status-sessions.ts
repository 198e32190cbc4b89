/** The status page's part about sessions: who is at work now, and what is stopped. */
import { formatTime, parseTime } from "../core/time.ts";
import { html, type Html } from "./html.ts";
import type { SessionView } from "./ports.ts";

const SHOWN = 10;
/** As long after its latest request a session counts as being at work. */
const LIVE_MS = 900_000;
const NANO_PER_CENT = 10_000_000;
const TONES = { running: "ok", paused: "warn", stopped: "danger" } as const;

/** Null where nobody is at work and nothing was stopped lately. `time` is the page's. */
export function sessionSection(sessions: readonly SessionView[], time: string): Html | null {
  const since = (parseTime(time) ?? 0) - LIVE_MS;
  const live = sessions.filter(
    (each) => each.inFlight > 0 || Math.max(each.lastMs ?? 0, each.sinceMs ?? 0) >= since,
  );
  if (live.length === 0) return null;
  const shown = live.toSorted(byRate).slice(0, SHOWN);
  const left = live.length - shown.length;
  return html`<section>
    <h2>Sessions <small>the fastest first${left > 0 ? `; ${left} more in the API` : ""}</small></h2>
    <table>
      <thead>
        <tr>
          <th>Session</th>
          <th>State</th>
          <th>Last seen</th>
          <th class="number">Requests</th>
          <th class="number">Agents</th>
          <th class="number">Spent, USD</th>
          <th class="number">An hour</th>
        </tr>
      </thead>
      <tbody>
        ${shown.map(sessionRow)}
      </tbody>
    </table>
  </section>`;
}

function byRate(left: SessionView, right: SessionView): number {
  return right.nanoPerHour - left.nanoPerHour || (right.lastMs ?? 0) - (left.lastMs ?? 0);
}

function sessionRow(view: SessionView): Html {
  const { session, virtualKey, state, reason, lastMs, requests, agentCount } = view;
  return html`<tr>
    <td><bdi>${session}</bdi><small>${virtualKey}</small></td>
    <td>
      <span class="chip ${TONES[state]}">${state}</span>
      ${reason === null ? null : html`<small>${reason}</small>`}
    </td>
    <td>${lastMs === null ? "—" : formatTime(lastMs).slice(0, 19).replace("T", " ")}</td>
    <td class="number" data-name="requests">${requests.toLocaleString("en-US")}</td>
    <td class="number" data-name="agents">${agentCount.toLocaleString("en-US")}</td>
    <td class="number" data-name="USD">${dollars(Number(view.spent))}</td>
    <td class="number" data-name="an hour">${dollars(view.nanoPerHour)}</td>
  </tr>`;
}

/** To the cent; a small amount is not shown as none. */
function dollars(nano: number): string {
  if (nano > 0 && nano < NANO_PER_CENT) return "<$0.01";
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return `$${(nano / (100 * NANO_PER_CENT)).toLocaleString("en-US", digits)}`;
}
