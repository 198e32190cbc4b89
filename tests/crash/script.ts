/** A short run with one request of each kind, a key made by API and a reload: what the kill points are in. */
import { setTimeout as delay } from "node:timers/promises";
import { sendLoad } from "../e2e/load.ts";
import { send, type RawAnswer } from "../harness/raw-request.ts";
import { ADA_KEY } from "../harness/gateway-config.ts";
import { apiError, type Answer } from "../harness/scripts.ts";
import { sessionOf, type ReceivedRequest } from "../harness/upstream-request.ts";
import type { Tenant } from "./house.ts";
import { soundAnswer, type Life } from "./life.ts";
import { LIFE_ENV } from "./life-config.ts";

const MAX_TOKENS = 60;
const HANG_UP_MS = 15;
const MODEL = "claude-opus-5-5";

/** Answers each session as its name says. */
function answerByName(request: ReceivedRequest): Answer {
  const session = sessionOf(request) ?? "";
  if (session.startsWith("busy")) return apiError(529, "overloaded_error", "Overloaded");
  if (session.startsWith("broken"))
    return { ...soundAnswer(), fault: { kind: "reset_before_head" } };
  return session.startsWith("leaving") ? soundAnswer(60, 3) : soundAnswer();
}

/** Does all of it, whether the gateway lives or not. */
export async function runScript(life: Life): Promise<void> {
  life.upstream.answerWith(answerByName);
  await ask(life, "whole", { stream: false });
  await ask(life, "streamed", { stream: true });
  await ask(life, "refused", { key: LIFE_ENV.BOB_KEY });
  await countTokens(life);
  const secret = await makeKey(life);
  await Promise.all([
    ask(life, "beside", { stream: true }),
    ask(life, "beside", { stream: false }),
    ask(life, "made", { key: secret ?? ADA_KEY }),
  ]);
  await life.reload().catch(ignoreDeath(life));
  await ask(life, "busy", {});
  await ask(life, "nowhere", { key: LIFE_ENV.CARL_KEY });
  await ask(life, "broken", { stream: true });
  await ask(life, "leaving", { stream: true, hangUpMs: HANG_UP_MS });
  await ask(life, "last", { stream: true });
}

/** Sends one request of a new session, and notes what came. */
export async function ask(
  life: Life,
  kind: string,
  what: { readonly key?: string; readonly stream?: boolean; readonly hangUpMs?: number },
): Promise<RawAnswer | null> {
  const session = life.session(kind);
  const { key = ADA_KEY, stream = false, hangUpMs = null } = what;
  const load = { key, session, stream, maxTokens: MAX_TOKENS, hangUpMs };
  const answer = await sendLoad(life.gateway.url, load);
  life.books.noteAnswer(session, answer);
  return answer;
}

/** Waits until the journal's head follows: twice each second. */
export async function waitForHeads(life: Life): Promise<void> {
  const ticks = delay(1300);
  await Promise.race([ticks, life.isDeadWithin(1300)]);
}

/** Asks for a count, which no budget holds. */
export async function countTokens(life: Life): Promise<void> {
  const session = life.session("counted");
  const headers = { "x-api-key": ADA_KEY, "x-claude-code-session-id": session };
  const body = JSON.stringify({ model: MODEL, messages: [{ role: "user", content: "Hi" }] });
  const path = "/v1/messages/count_tokens";
  const answer = await send(life.gateway.url, { path, headers, body }).catch(() => null);
  life.books.noteAnswer(session, answer);
}

/** Makes a key by API, and notes its secret; null where the gateway is gone. */
export async function makeKey(
  life: Pick<Tenant, "gateway" | "session" | "books">,
): Promise<string | null> {
  const { gateway } = life;
  const id = life.session("key");
  const answer = await send(gateway.adminUrl, {
    path: "/api/v1/virtual-keys",
    headers: {
      authorization: `Bearer ${gateway.adminToken}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ id, team: "platform", providers: [{ id: "anthropic" }] }),
  }).catch(() => null);
  if (answer?.status !== 201) return null;
  const { secret } = answer.json() as { readonly secret: string };
  life.books.noteSecret(id, secret);
  return secret;
}

function ignoreDeath(life: Life): (cause: unknown) => Promise<void> {
  return async (cause) => {
    if (!(await life.isDeadWithin(0))) throw cause;
  };
}
