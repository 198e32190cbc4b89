/** Workload identity federation: another identity provider's token, exchanged for one of Google. */
import { lastingFault } from "./fault.ts";
import type { AuthFault } from "./fault.ts";
import type { Fields, GoogleAt } from "./google-chain.ts";
import { impersonatedToken } from "./google-impersonation.ts";
import { textOr } from "./google-tokens.ts";
import { referredFile } from "./machine.ts";
import { callMetadata } from "./metadata-call.ts";
import { askForToken } from "./oauth.ts";
import type { Obtained } from "./token-cache.ts";
import { callTokenServer, faultOfStatus, isObject, jsonObject } from "./token-call.ts";

const SERVER = "Google's token exchange";
const SUBJECT_SERVER = "the subject token's server";
const ANY_SCOPE = "https://www.googleapis.com/auth/cloud-platform";

/**
 * By the `external_account` of a credentials file whose subject token lies in a file or behind a URL.
 *
 * Source: Google AIP-4117; RFC 8693.
 */
export async function federatedToken(
  at: GoogleAt,
  fields: Fields,
  where: string,
): Promise<Obtained<string> | AuthFault> {
  const { audience, subject_token_type: type, token_url: url } = fields;
  const { service_account_impersonation_url: actsAs, credential_source: source } = fields;
  if (typeof audience !== "string" || typeof type !== "string" || typeof url !== "string")
    return lastingFault(`${where} lacks audience, subject_token_type or token_url`);
  if (!isObject(source)) return lastingFault(`${where} lacks credential_source`);
  const subject = await subjectToken(at, source, where);
  if (!subject.ok) return subject;
  const token = await askForToken(at.machine, {
    server: SERVER,
    url,
    form: {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
      audience,
      // Who only acts as an account needs no narrower one; that account's token has it.
      scope: typeof actsAs === "string" ? ANY_SCOPE : at.scope,
      subject_token_type: type,
      subject_token: subject.text,
      ...workforceOptions(fields),
    },
    authorization: basicOf(fields),
  });
  if (!token.ok || typeof actsAs !== "string") return token;
  return impersonatedToken(at, actsAs, token.value);
}

type Subject = { readonly ok: true; readonly text: string } | AuthFault;

async function subjectToken(at: GoogleAt, source: Fields, where: string): Promise<Subject> {
  const { file, url, format } = source;
  if (typeof file === "string") {
    const found = await referredFile(at.machine, file, `${where}: credential_source.file`);
    return found.ok ? formatted(found.text, format, where) : found;
  }
  if (typeof url === "string") {
    const found = await fetched(at, url, headersOf(source["headers"]));
    return found.ok ? formatted(found.text, format, where) : found;
  }
  const kind = ["environment_id", "executable", "certificate"].find((name) => name in source);
  return lastingFault(`${where}: credential_source ${kind ?? ""} is none of file and url`);
}

/** Over http it can only be the metadata service of another cloud: the switch is for that as well. */
async function fetched(
  { machine, instanceMetadata }: GoogleAt,
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<Subject> {
  const isPlain = URL.parse(url)?.protocol === "http:";
  if (isPlain && !instanceMetadata)
    return lastingFault("credential_source.url is plain http: it needs instance_metadata: true");
  const call = { server: SUBJECT_SERVER, method: "GET", url, headers } as const;
  const reply = isPlain
    ? await callMetadata(machine, call)
    : await callTokenServer(machine, { ...call, body: null });
  if (!reply.ok) return reply;
  if (reply.status !== 200) return faultOfStatus(SUBJECT_SERVER, reply.status, null);
  return { ok: true, text: reply.text.trim() };
}

function formatted(text: string, format: unknown, where: string): Subject {
  if (!isObject(format) || format["type"] !== "json") return { ok: true, text };
  const name = textOr(format["subject_token_field_name"], "access_token");
  const token = jsonObject(text)[name];
  if (typeof token === "string" && token !== "") return { ok: true, text: token };
  return lastingFault(`${where}: the credential source holds no ${name}`);
}

function headersOf(given: unknown): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(isObject(given) ? given : {}))
    if (typeof value === "string") headers[name.toLowerCase()] = value;
  return headers;
}

function basicOf({ client_id: id, client_secret: secret }: Fields): string | null {
  if (typeof id !== "string" || typeof secret !== "string") return null;
  return `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}`;
}

function workforceOptions({ workforce_pool_user_project: project }: Fields) {
  return typeof project === "string" ? { options: JSON.stringify({ userProject: project }) } : {};
}
