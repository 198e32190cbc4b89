/** Signing in with a browser: the admin token becomes a cookie that no script can read. */
import { z } from "zod";
import { formatTime } from "../core/time.ts";
import {
  type BrowserSessions,
  SESSION_SECONDS,
  sessionCookie,
  setSessionCookie,
} from "./browser-sessions.ts";
import type { ControlPorts } from "./ports.ts";
import { Problem } from "./problem.ts";
import { route, type Route } from "./route.ts";

const PATH = "/api/v1/session";

const signIn = z.strictObject({
  token: z.string({ error: "is missing: send the admin token" }).min(1, { error: "is empty" }),
});

const sessionSchema = z.strictObject({
  expires: z.string().describe("Send x-tollgate-csrf: 1 with every call that changes something."),
});

export function sessionRoutes(
  ports: Pick<ControlPorts, "verifyToken" | "clock">,
  sessions: BrowserSessions,
): Route[] {
  return [
    route({
      method: "POST",
      path: PATH,
      tag: "session",
      summary: "Signs a browser in: the answer sets the session's cookie",
      access: "open",
      body: signIn,
      status: 201,
      answer: sessionSchema,
      handle: ({ body }) => {
        if (!ports.verifyToken(body.token)) {
          throw new Problem("unauthenticated", "The admin token is not the right one.", {
            parameter: "token",
          });
        }
        const expires = formatTime(ports.clock.wallMs() + SESSION_SECONDS * 1000);
        const headers = { "set-cookie": setSessionCookie(sessions.begin()) };
        return { body: { expires }, headers };
      },
    }),
    route({
      method: "DELETE",
      path: PATH,
      tag: "session",
      summary: "Signs the browser out",
      status: 204,
      answer: null,
      handle: ({ headers }) => {
        const cookie = sessionCookie(String(headers["cookie"] ?? ""));
        if (cookie !== null) sessions.end(cookie);
        return { body: null, headers: { "set-cookie": setSessionCookie(null) } };
      },
    }),
  ];
}
