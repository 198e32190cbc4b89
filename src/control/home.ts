/** The pages for browsers: the status page at `/`, and the forms that sign in and out. */
import { z } from "zod";
import { hasToken } from "./authenticate.ts";
import { type BrowserSessions, sessionCookie, setSessionCookie } from "./browser-sessions.ts";
import type { ControlPorts } from "./ports.ts";
import { route, type RawCall, type Reply, type Route } from "./route.ts";
import { signInPage, statusPage } from "./status-page.ts";
import { PAGE_POLICY } from "./status-style.ts";
import { statusOf } from "./status.ts";

const REQUESTS_SHOWN = 20;
const MEDIA_TYPE = "text/html; charset=utf-8";

/** Not part of the described API: what they answer is for eyes. */
export function homeRoutes(ports: ControlPorts, sessions: BrowserSessions): Route[] {
  return [
    route({
      method: "GET",
      path: "/",
      tag: "home",
      operation: "showStatusPage",
      summary: "The status page, or the form that signs in",
      access: "open",
      // Pages take whatever links append to them.
      query: z.looseObject({}),
      status: 200,
      answer: MEDIA_TYPE,
      handle: async (call) => {
        const cookie = openCookie(call, sessions);
        if (cookie !== null) return page(await render(ports, sessions.formToken(cookie)));
        const isKnown = call.actor === "local" || hasToken(call, ports);
        return page(isKnown ? await render(ports, null) : signInPage(null));
      },
    }),
    route({
      method: "POST",
      path: "/sign-in",
      tag: "home",
      operation: "signIn",
      summary: "Takes the form that signs in",
      access: "open",
      body: z.object({ token: z.string().default("") }),
      status: 303,
      answer: MEDIA_TYPE,
      handle: ({ body }) =>
        ports.verifyToken(body.token.trim())
          ? home(setSessionCookie(sessions.begin()))
          : { ...page(signInPage("This is not the admin token.")), status: 401 },
    }),
    route({
      method: "POST",
      path: "/sign-out",
      tag: "home",
      operation: "signOut",
      summary: "Takes the form that signs out",
      access: "open",
      body: z.object({ form_token: z.string().default("") }),
      status: 303,
      answer: MEDIA_TYPE,
      handle: (call) => {
        const cookie = openCookie(call, sessions);
        if (cookie === null || call.body.form_token !== sessions.formToken(cookie))
          return home(null);
        sessions.end(cookie);
        return home(setSessionCookie(null));
      },
    }),
  ];
}

function openCookie(call: Pick<RawCall, "headers">, sessions: BrowserSessions): string | null {
  const cookie = sessionCookie(String(call.headers["cookie"] ?? ""));
  return cookie !== null && sessions.isOpen(cookie) ? cookie : null;
}

async function render(ports: ControlPorts, formToken: string | null): Promise<string> {
  return statusPage({
    status: statusOf(ports),
    budgets: ports.budgets(),
    sessions: ports.sessions.list(),
    requests: await lastRequests(ports),
    formToken,
  });
}

/** The page must come when the views are in trouble: it is where that is told. */
async function lastRequests({ views, log }: ControlPorts) {
  try {
    const answer = await views.requests({ limit: REQUESTS_SHOWN });
    return "error" in answer ? null : answer.data;
  } catch (error) {
    log.warn("the status page shows no requests", { error: String(error) });
    return null;
  }
}

function page(markup: string): Reply {
  return {
    body: markup,
    headers: { "content-type": MEDIA_TYPE, "content-security-policy": PAGE_POLICY },
  };
}

function home(cookie: string | null): Reply {
  const headers = { location: "/", ...(cookie === null ? {} : { "set-cookie": cookie }) };
  return { body: null, headers };
}
