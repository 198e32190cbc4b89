/** Where a Google access token comes from: the file's own credential, else Google's usual chain. */
import type { CloudCredential } from "../credential.ts";
import { lastingFault } from "./fault.ts";
import type { AuthFault } from "./fault.ts";
import { federatedToken } from "./google-federation.ts";
import { impersonatedToken } from "./google-impersonation.ts";
import { metadataToken } from "./google-metadata.ts";
import { serviceAccountToken, userToken } from "./google-tokens.ts";
import { homeOf, optionalFile, referredFile, variable } from "./machine.ts";
import type { Machine } from "./machine.ts";
import type { Obtained } from "./token-cache.ts";
import { isObject, jsonObject } from "./token-call.ts";

export type GoogleCredential = Extract<CloudCredential, { kind: "google" }>;

/** A credentials file's fields, as Google writes them. */
export type Fields = Readonly<Record<string, unknown>>;

/** What every kind of credential is made into a token with. */
export interface GoogleAt {
  readonly machine: Machine;
  readonly scope: string;
  readonly instanceMetadata: boolean;
}

/**
 * A token by the first credential that is there: the configuration's JSON; the file that
 * GOOGLE_APPLICATION_CREDENTIALS names; the one that `gcloud auth application-default login` writes; and,
 * only where the credential allows it, the metadata server. One that is there and fails is the fault.
 */
export async function googleToken(
  machine: Machine,
  credential: GoogleCredential,
  scope: string,
): Promise<Obtained<string> | AuthFault> {
  const at = { machine, scope, instanceMetadata: credential.instanceMetadata };
  if (credential.credentialsJson !== null)
    return tokenByFields(at, jsonObject(credential.credentialsJson), "google.credentials");
  const named = variable(machine, "GOOGLE_APPLICATION_CREDENTIALS");
  if (named !== null) {
    const file = await referredFile(machine, named, "GOOGLE_APPLICATION_CREDENTIALS");
    return file.ok ? tokenByFields(at, jsonObject(file.text), named) : file;
  }
  const folder = variable(machine, "CLOUDSDK_CONFIG") ?? `${homeOf(machine)}/.config/gcloud`;
  const path = `${folder}/application_default_credentials.json`;
  const text = await optionalFile(machine, path);
  if (text !== null) return tokenByFields(at, jsonObject(text), path);
  if (credential.instanceMetadata) return metadataToken(at);
  return lastingFault(
    "no Google credentials in the configuration, environment or gcloud's file " +
      "(the metadata server is asked only with instance_metadata: true)",
  );
}

function tokenByFields(
  at: GoogleAt,
  fields: Fields,
  where: string,
): Promise<Obtained<string> | AuthFault> {
  switch (fields["type"]) {
    case "service_account":
      return serviceAccountToken(at, fields, where);
    case "authorized_user":
      return userToken(at, fields, where);
    case "external_account":
      return federatedToken(at, fields, where);
    case "impersonated_service_account":
      return byImpersonation(at, fields, where);
    default: {
      const sentence = `${where} holds no Google credential of a kind that a gateway can use`;
      return Promise.resolve(lastingFault(sentence));
    }
  }
}

async function byImpersonation(
  at: GoogleAt,
  fields: Fields,
  where: string,
): Promise<Obtained<string> | AuthFault> {
  const { source_credentials: source, service_account_impersonation_url: url } = fields;
  // Google writes no impersonation of an impersonated account.
  const isUsable = isObject(source) && source["type"] !== "impersonated_service_account";
  if (!isUsable || typeof url !== "string")
    return lastingFault(`${where} lacks source_credentials or service_account_impersonation_url`);
  const token = await tokenByFields(at, source, where);
  return token.ok ? impersonatedToken(at, url, token.value) : token;
}
