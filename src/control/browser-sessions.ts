/** Who is signed in with a browser: sessions in memory, known by a hash of what the cookie holds. */
import { createHmac, hash, randomBytes } from "node:crypto";
import type { Clock } from "../core/time.ts";

export interface BrowserSessions {
  /** Begins a session; the text is the cookie's value. */
  readonly begin: () => string;
  /** True while the session of this cookie value lasts. */
  readonly isOpen: (cookie: string) => boolean;
  readonly end: (cookie: string) => void;
  /** Ends all sessions: the token that began them is void. */
  readonly endAll: () => void;
  /** What a form of this session's pages carries, so that no other page can send it. */
  readonly formToken: (cookie: string) => string;
}

export const SESSION_SECONDS = 12 * 3600;
const COOKIE = "tollgate_session";
const SECRET_BYTES = 32;
const SESSIONS_MAX = 1000;

export function createBrowserSessions(clock: Clock): BrowserSessions {
  const untilMs = new Map<string, number>();
  const formKey = randomBytes(SECRET_BYTES);
  const nameOf = (cookie: string): string => hash("sha256", cookie);
  return {
    begin: () => {
      const [oldest] = untilMs.keys();
      if (untilMs.size >= SESSIONS_MAX && oldest !== undefined) untilMs.delete(oldest);
      const cookie = randomBytes(SECRET_BYTES).toString("base64url");
      untilMs.set(nameOf(cookie), clock.monotonicMs() + SESSION_SECONDS * 1000);
      return cookie;
    },
    isOpen: (cookie) => (untilMs.get(nameOf(cookie)) ?? -Infinity) > clock.monotonicMs(),
    end: (cookie) => void untilMs.delete(nameOf(cookie)),
    endAll: () => untilMs.clear(),
    formToken: (cookie) => createHmac("sha256", formKey).update(cookie).digest("base64url"),
  };
}

/** The session's value in a `Cookie` header; null where it has none. */
export function sessionCookie(header: string | undefined): string | null {
  for (const pair of (header ?? "").split(";")) {
    const [name, value] = pair.trim().split("=");
    if (name === COOKIE && value !== undefined && value !== "") return value;
  }
  return null;
}

/** `Set-Cookie` that keeps the session, or ends it where `cookie` is null. */
export function setSessionCookie(cookie: string | null): string {
  const age = cookie === null ? 0 : SESSION_SECONDS;
  return `${COOKIE}=${cookie ?? ""}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${age}`;
}
