/** The metadata server of Google's machines: the token of the account a machine or pod runs as. */
import { lastingFault } from "./fault.ts";
import type { AuthFault } from "./fault.ts";
import type { GoogleAt } from "./google-chain.ts";
import { variable } from "./machine.ts";
import { callMetadata } from "./metadata-call.ts";
import { tokenFrom } from "./oauth.ts";
import type { Obtained } from "./token-cache.ts";
import { faultOfStatus, jsonObject } from "./token-call.ts";

const SERVER = "Google's metadata server";

/** By its address, so that no name server has a say. GCE_METADATA_HOST names another one. */
export async function metadataToken({
  machine,
  scope,
}: GoogleAt): Promise<Obtained<string> | AuthFault> {
  const host = variable(machine, "GCE_METADATA_HOST") ?? "169.254.169.254";
  const path = "computeMetadata/v1/instance/service-accounts/default/token";
  const url = `http://${host}/${path}?scopes=${encodeURIComponent(scope)}`;
  if (URL.parse(url) === null) return lastingFault("GCE_METADATA_HOST is no host");
  const headers = { "metadata-flavor": "Google" };
  const reply = await callMetadata(machine, { server: SERVER, method: "GET", url, headers });
  if (!reply.ok) return reply;
  if (reply.status !== 200) return faultOfStatus(SERVER, reply.status, null);
  const fields = jsonObject(reply.text);
  return tokenFrom(SERVER, fields["access_token"], Number(fields["expires_in"]) * 1_000);
}
