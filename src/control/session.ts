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
import { unauthenticated } from "./authenticate.ts";
import { timeField } from "./answer-fields.ts";
import { route, type Route } from "./route.ts";

const PATH = "/api/v1/session";

const signIn = z
  .strictObject({
    token: z
      .string({ error: "is missing: send the admin token" })
      .min(1, { error: "is empty" })
      .describe("The admin token."),
  })
  .meta({ id: "NewSession" });

const sessionSchema = z
  .strictObject({
    expires: timeField.describe("Send x-tollgate-csrf: 1 with every call that changes something."),
  })
  .meta({ id: "Session" });

export function sessionRoutes(
  ports: Pick<ControlPorts, "verifyToken" | "clock">,
  sessions: BrowserSessions,
): Route[] {
  return [
    route({
      method: "POST",
      path: PATH,
      tag: "session",
      operation: "createSession",
      summary: "Signs a browser in: the answer sets the session's cookie",
      access: "open",
      body: signIn,
      status: 201,
      answer: sessionSchema,
      problems: [401],
      answerHeaders: ["set-cookie"],
      handle: ({ body }) => {
        if (!ports.verifyToken(body.token)) {
          throw unauthenticated("The admin token is not the right one.", "token");
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
      operation: "deleteSession",
      summary: "Signs the browser out",
      status: 204,
      answer: null,
      answerHeaders: ["set-cookie"],
      handle: ({ headers }) => {
        const cookie = sessionCookie(String(headers["cookie"] ?? ""));
        if (cookie !== null) sessions.end(cookie);
        return { body: null, headers: { "set-cookie": setSessionCookie(null) } };
      },
    }),
  ];
}
