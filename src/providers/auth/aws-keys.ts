/** AWS access keys, however they arrive: checked for their form, their life counted. */
import { parseTime } from "../../core/time.ts";
import { lastingFault, shownCode, temporaryFault } from "./fault.ts";
import type { AuthFault } from "./fault.ts";
import type { Machine } from "./machine.ts";
import type { Obtained } from "./token-cache.ts";
import { faultOfStatus, jsonObject } from "./token-call.ts";
import type { Reply } from "./token-call.ts";

export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
}

/** Files are written anew by whatever rotates the keys in them. */
const RECHECK_MS = 60_000;

/** Keys without an end that a file or the environment holds. `where` begins the sentence of a fault. */
export function storedKeys(
  where: string,
  found: {
    readonly id: string | null;
    readonly secret: string | null;
    readonly token: string | null;
  },
): Obtained<AwsKeys> | AuthFault {
  const { id, secret, token } = found;
  if (!isWord(id) || !isWord(secret) || (token !== null && !isWord(token)))
    return lastingFault(`${where} holds no whole AWS access key`);
  const value = { accessKeyId: id, secretAccessKey: secret, sessionToken: token };
  return { ok: true, value, lifeMs: null, recheckMs: RECHECK_MS };
}

/** Keys that end, as a server gave them. */
export function lentKeys(
  server: string,
  machine: Machine,
  given: {
    readonly id: unknown;
    readonly secret: unknown;
    readonly token: unknown;
    readonly expiration: unknown;
  },
): Obtained<AwsKeys> | AuthFault {
  const { id, secret, token, expiration } = given;
  if (!isWord(id) || !isWord(secret) || !isWord(token))
    return temporaryFault(`${server} answered without an access key`);
  const endMs = typeof expiration === "string" ? parseTime(expiration) : null;
  const lifeMs = endMs === null ? 0 : endMs - machine.clock.wallMs();
  if (lifeMs <= 0) return temporaryFault(`${server} answered with a key that is over already`);
  const value = { accessKeyId: id, secretAccessKey: secret, sessionToken: token };
  return { ok: true, value, lifeMs, recheckMs: null };
}

/** Keys in the JSON that container and instance metadata answer with. */
export function keysFromJson(
  server: string,
  machine: Machine,
  reply: Reply,
): Obtained<AwsKeys> | AuthFault {
  const fields = jsonObject(reply.text);
  if (reply.status !== 200) return faultOfStatus(server, reply.status, fields["code"]);
  const { Code: code } = fields;
  // The instance service says with 200 that its role is broken.
  if (typeof code === "string" && code !== "Success")
    return temporaryFault(`${server} has no access key${shownCode(code)}`);
  return lentKeys(server, machine, {
    id: fields["AccessKeyId"],
    secret: fields["SecretAccessKey"],
    token: fields["Token"],
    expiration: fields["Expiration"],
  });
}

function isWord(value: unknown): value is string {
  return typeof value === "string" && /^[\x21-\x7e]+$/.test(value);
}
