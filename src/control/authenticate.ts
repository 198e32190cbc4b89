/** Who calls the control API, and whether a browser was tricked into calling. */
import { type BrowserSessions, sessionCookie } from "./browser-sessions.ts";
import type { ControlPorts } from "./ports.ts";
import { Problem } from "./problem.ts";
import type { Actor } from "./route.ts";

export interface Credentials {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);
const BEARER = /^Bearer +(\S+) *$/i;

/**
 * The caller by its `Authorization`, else by the cookie of its session.
 *
 * @throws Problem 401 for nobody known; 403 where a cookie came without `x-tollgate-csrf`, or from
 * another site, on a call that changes something.
 */
export function authenticate(
  credentials: Credentials,
  ports: Pick<ControlPorts, "verifyToken">,
  sessions: BrowserSessions,
): Actor {
  const { authorization, cookie } = credentials.headers;
  if (authorization !== undefined) {
    if (hasToken(credentials, ports)) return "token";
    throw unauthenticated("The admin token is not the right one.");
  }
  const session = sessionCookie(String(cookie ?? ""));
  if (session === null) {
    throw unauthenticated("Send the admin token as Authorization: Bearer.");
  }
  if (!sessions.isOpen(session)) throw unauthenticated("The session has ended: sign in again.");
  checkSameSite(credentials);
  return "browser";
}

/** Whether the call carries the admin token as `Authorization: Bearer`. */
export function hasToken(
  { headers }: Pick<Credentials, "headers">,
  ports: Pick<ControlPorts, "verifyToken">,
): boolean {
  const token = BEARER.exec(String(headers["authorization"] ?? ""))?.[1];
  return token !== undefined && ports.verifyToken(token);
}

function checkSameSite({ method, headers }: Credentials): void {
  if (SAFE_METHODS.has(method)) return;
  // A page of another site can send neither this header nor a false answer of where it is from.
  const from = headers["sec-fetch-site"];
  const isOurs = from === undefined || from === "same-origin" || from === "none";
  if (isOurs && (headers["x-tollgate-csrf"] ?? "") !== "") return;
  const detail =
    "A call that changes something and is signed in by cookie needs the header x-tollgate-csrf.";
  throw new Problem("csrf", detail, { parameter: "x-tollgate-csrf" });
}

/** Says how to sign in, as a 401 must. */
export function unauthenticated(detail: string, parameter?: string): Problem {
  return new Problem("unauthenticated", detail, {
    parameter,
    headers: { "www-authenticate": 'Bearer realm="tollgate"' },
  });
}
