/** A meter counts one unit for one scope over one kind of span; a budget or limit is a meter with a cap. */
import { formatTime } from "../core/time.ts";
import type { AccountScope, Scope, Span, Unit } from "../core/span.ts";
import { calendarWindow } from "./calendar.ts";
import type { Bounds, Meter, MeterIdentity, SessionName, Window } from "./state.ts";
import { createWindow } from "./window.ts";

/**
 * The meter's id: `scope type/scope id|unit|span|zone`. In the scope's id, `%`, `|` and `#` are written
 * as in URLs, so that it can be read back.
 */
export function meterId(identity: MeterIdentity): string {
  const { scope } = identity;
  const scopeId = scope.id.replace(/[%|#]/g, encodeURIComponent);
  const head = `${scope.type}/${scopeId}|${identity.unit}`;
  const burst = identity.burst === null ? "" : `|burst:${identity.burst}`;
  return `${head}|${spanText(identity.span)}${burst}`;
}

/** The span as the configuration names it: "month", "5h", "total"; "" where there is none. */
export function perText(span: Span | null): string {
  if (span === null) return "";
  if (span.kind === "calendar") return span.per;
  return span.kind === "rolling" ? span.text : span.kind;
}

function spanText(span: Span | null): string {
  if (span === null) return "now";
  if (span.kind === "calendar") return `${span.per}|${span.timeZone}`;
  return span.kind === "rolling" ? `rolling|${span.spanMs}|${span.text}` : span.kind;
}

/** Reads a meter's id back, so that the journal alone suffices to rebuild windows. Null: no id. */
export function parseMeterId(id: string): MeterIdentity | null {
  const [scopeText = "", unit = "", ...rest] = id.split("|");
  const slash = scopeText.indexOf("/");
  if (slash < 0 || unit === "") return null;
  const last = rest.at(-1) ?? "";
  const burst = last.startsWith("burst:") ? Number(last.slice("burst:".length)) : null;
  const span = parseSpan(rest);
  if (span === undefined) return null;
  // Only our own escapes are in it; other characters of an id pass through unchanged.
  const scope = {
    type: scopeText.slice(0, slash) as (Scope | AccountScope)["type"],
    id: decodeURIComponent(scopeText.slice(slash + 1)),
  };
  return { scope, unit: unit as Unit, span, burst };
}

function parseSpan(parts: readonly string[]): Span | null | undefined {
  const [kind = "", second = "", third = ""] = parts;
  switch (kind) {
    case "now":
      return null;
    case "total":
    case "session":
    case "subagent":
      return { kind };
    case "rolling":
      return { kind, spanMs: Number(second), text: third };
    case "second":
    case "minute":
    case "hour":
    case "day":
    case "week":
    case "month":
      return { kind: "calendar", per: kind, timeZone: second };
    default:
      return undefined;
  }
}

/** Whether a meter has a window for each session, or for each agent of one. */
export function isOfSessions({ span }: Pick<MeterIdentity, "span">): boolean {
  return span?.kind === "session" || span?.kind === "subagent";
}

/** Whether a meter counts nothing of what is no agent's. */
export function isOfAgents({ span }: Pick<MeterIdentity, "span">): boolean {
  return span?.kind === "subagent";
}

/** Whose window a session's or a subagent's is. */
export function scopeOf({ name, agent }: SessionName): Scope {
  return agent === undefined
    ? { type: "session", id: name }
    : { type: "subagent", id: `${name}/${agent}` };
}

/** A meter without a cap, of which nothing is counted yet. */
export function newMeter(identity: MeterIdentity, id: string): Meter {
  const live = { enforced: true, hasShadow: false, current: null };
  return { ...identity, id, cap: null, overshoot: "none", ...live };
}

/** Key of a session's window, or of a subagent's: then `%` and `/` of the session are written as in URLs. */
export function sessionWindowKey(meter: Meter, session: SessionName): string {
  const { virtualKey, name, agent = "" } = session;
  if (!isOfAgents(meter)) return `${meter.id}#${virtualKey}/${name}`;
  return `${meter.id}#${virtualKey}/${name.replace(/[%/]/g, encodeURIComponent)}/${agent}`;
}

/** Key of a window: its meter's id, and which instance of it. */
function windowKey(meter: Meter, startMs: number | null, session: SessionName | null): string {
  if (session !== null) return sessionWindowKey(meter, session);
  return startMs === null ? meter.id : `${meter.id}@${formatTime(startMs)}`;
}

const AGENTS_METER = /\|subagent(?:\|burst:\d+)?$/;
const CALENDAR_KEY = /^(.*)@(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z)$/s;

/** The parts of a window's key; `instantMs` lies in a calendar window. */
export function parseWindowKey(key: string): {
  readonly meterId: string;
  readonly instantMs: number | null;
  readonly session: SessionName | null;
} {
  const hash = key.indexOf("#");
  if (hash >= 0) {
    const meterIdText = key.slice(0, hash);
    const session = parseSession(key.slice(hash + 1), AGENTS_METER.test(meterIdText));
    return { meterId: meterIdText, instantMs: null, session };
  }
  const match = CALENDAR_KEY.exec(key);
  if (match === null) return { meterId: key, instantMs: null, session: null };
  return { meterId: match[1] ?? "", instantMs: Date.parse(match[2] ?? ""), session: null };
}

function parseSession(text: string, isAgent: boolean): SessionName {
  const slash = text.indexOf("/");
  const virtualKey = text.slice(0, slash);
  const rest = text.slice(slash + 1);
  if (!isAgent) return { virtualKey, name: rest };
  const end = rest.indexOf("/");
  return {
    virtualKey,
    name: decodeURIComponent(rest.slice(0, end)),
    agent: rest.slice(end + 1),
  };
}

/** Makes the window of `meter` that holds `timeMs`, empty. */
export function newWindow(meter: Meter, timeMs: number, session: SessionName | null): Window {
  const bounds = boundsOf(meter, timeMs);
  const key = windowKey(meter, bounds?.startMs ?? null, session);
  return createWindow({ key, meter, bounds, session, timeMs });
}

function boundsOf(meter: Meter, timeMs: number): Bounds | null {
  if (meter.burst !== null || meter.span?.kind !== "calendar") return null;
  return calendarWindow(meter.span.per, meter.span.timeZone, timeMs);
}
