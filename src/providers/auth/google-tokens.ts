/** Google's token endpoint: a service account by an assertion it signs, a person by a refresh token. */
import { createPrivateKey, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { lastingFault } from "./fault.ts";
import type { AuthFault } from "./fault.ts";
import type { Fields, GoogleAt } from "./google-chain.ts";
import { askForToken } from "./oauth.ts";
import type { Obtained } from "./token-cache.ts";

const SERVER = "Google's token server";
const TOKEN_URL = "https://oauth2.googleapis.com/token";
const ASSERTION_SECONDS = 3_600;

/**
 * By a JSON Web Token that the account's key signs (RS256).
 *
 * Source: Google, "Using OAuth 2.0 for Server to Server Applications"; RFC 7523.
 */
export async function serviceAccountToken(
  { machine, scope }: GoogleAt,
  fields: Fields,
  where: string,
): Promise<Obtained<string> | AuthFault> {
  const { client_email: email, private_key: pem, private_key_id: id } = fields;
  const key = typeof pem === "string" ? privateKeyOf(pem) : null;
  if (typeof email !== "string" || key === null)
    return lastingFault(`${where} lacks client_email, or its private_key cannot be read`);
  const url = textOr(fields["token_uri"], TOKEN_URL);
  const nowSeconds = Math.floor(machine.clock.wallMs() / 1_000);
  const header = { alg: "RS256", typ: "JWT", ...(typeof id === "string" ? { kid: id } : {}) };
  const claims = {
    iss: email,
    scope,
    aud: url,
    iat: nowSeconds,
    exp: nowSeconds + ASSERTION_SECONDS,
  };
  return askForToken(machine, {
    server: SERVER,
    url,
    form: {
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion: signedToken(header, claims, key),
    },
    authorization: null,
  });
}

/** By the refresh token of a person who signed in with `gcloud`. */
export async function userToken(
  { machine }: GoogleAt,
  fields: Fields,
  where: string,
): Promise<Obtained<string> | AuthFault> {
  const { client_id: id, client_secret: secret, refresh_token: token } = fields;
  if (typeof id !== "string" || typeof secret !== "string" || typeof token !== "string")
    return lastingFault(`${where} lacks client_id, client_secret or refresh_token`);
  return askForToken(machine, {
    server: SERVER,
    url: textOr(fields["token_uri"], TOKEN_URL),
    form: {
      grant_type: "refresh_token",
      client_id: id,
      client_secret: secret,
      refresh_token: token,
    },
    authorization: null,
  });
}

export function textOr(value: unknown, otherwise: string): string {
  return typeof value === "string" && value !== "" ? value : otherwise;
}

function privateKeyOf(pem: string): KeyObject | null {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyType === "rsa" ? key : null;
  } catch {
    return null;
  }
}

function signedToken(header: object, claims: object, key: KeyObject): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${sign("RSA-SHA256", Buffer.from(text), key).toString("base64url")}`;
}
