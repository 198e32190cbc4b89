/** Google's IAM credentials service: another service account's token by one that may act as it. */
import { parseTime } from "../../core/time.ts";
import type { AuthFault } from "./fault.ts";
import type { GoogleAt } from "./google-chain.ts";
import { tokenFrom } from "./oauth.ts";
import type { Obtained } from "./token-cache.ts";
import { callTokenServer, faultOfStatus, isObject, jsonObject } from "./token-call.ts";

const SERVER = "Google's IAM credentials service";
const LIFETIME = "3600s";

/** @param url of `…:generateAccessToken`, as a credentials file names it. */
export async function impersonatedToken(
  { machine, scope }: GoogleAt,
  url: string,
  token: string,
): Promise<Obtained<string> | AuthFault> {
  const reply = await callTokenServer(machine, {
    server: SERVER,
    method: "POST",
    url,
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ scope: scope.split(" "), lifetime: LIFETIME }),
  });
  if (!reply.ok) return reply;
  const fields = jsonObject(reply.text);
  if (reply.status !== 200) {
    const { error } = fields;
    return faultOfStatus(SERVER, reply.status, isObject(error) ? error["status"] : null);
  }
  const end = fields["expireTime"];
  const endMs = typeof end === "string" ? parseTime(end) : null;
  const lifeMs = endMs === null ? 0 : endMs - machine.clock.wallMs();
  return tokenFrom(SERVER, fields["accessToken"], lifeMs);
}
