/** What every OAuth2 token endpoint has in common: the form it is asked with, the token it answers. */
import { temporaryFault } from "./fault.ts";
import type { AuthFault } from "./fault.ts";
import type { Machine } from "./machine.ts";
import type { Obtained } from "./token-cache.ts";
import { callTokenServer, faultOfStatus, jsonObject } from "./token-call.ts";

export interface TokenQuestion {
  readonly server: string;
  readonly url: string;
  readonly form: Readonly<Record<string, string>>;
  /** For the authorization header; null: the form says it. */
  readonly authorization: string | null;
}

/** An access token by RFC 6749, section 4 and 5. Its life is counted from the answer. */
export async function askForToken(
  machine: Machine,
  { server, url, form, authorization }: TokenQuestion,
): Promise<Obtained<string> | AuthFault> {
  const reply = await callTokenServer(machine, {
    server,
    method: "POST",
    url,
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      ...(authorization === null ? {} : { authorization }),
    },
    body: new URLSearchParams(form).toString(),
  });
  if (!reply.ok) return reply;
  const fields = jsonObject(reply.text);
  if (reply.status !== 200) return faultOfStatus(server, reply.status, fields["error"]);
  return tokenFrom(server, fields["access_token"], Number(fields["expires_in"]) * 1_000);
}

/** A token as a server gave it, held to what a header can carry and a life that can be counted. */
export function tokenFrom(
  server: string,
  token: unknown,
  lifeMs: number,
): Obtained<string> | AuthFault {
  if (typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token))
    return temporaryFault(`${server} answered without a token`);
  if (!(lifeMs > 0)) return temporaryFault(`${server} answered with a token that is over already`);
  return { ok: true, value: token, lifeMs, recheckMs: null };
}
