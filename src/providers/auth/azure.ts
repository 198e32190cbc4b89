/** Microsoft Entra: an application's token by its client secret. */
import type { CloudCredential } from "../credential.ts";
import type { AuthFault } from "./fault.ts";
import { variable } from "./machine.ts";
import type { Machine } from "./machine.ts";
import { askForToken } from "./oauth.ts";
import type { Obtained } from "./token-cache.ts";

/**
 * A token for `scope`. AZURE_AUTHORITY_HOST names the authority of a national cloud.
 *
 * Source: Microsoft identity platform, OAuth 2.0 client credentials flow.
 */
export function entraToken(
  machine: Machine,
  credential: Extract<CloudCredential, { kind: "azure" }>,
  scope: string,
): Promise<Obtained<string> | AuthFault> {
  const host = variable(machine, "AZURE_AUTHORITY_HOST") ?? "https://login.microsoftonline.com";
  const authority = /^https?:\/\//.test(host) ? host : `https://${host}`;
  const tenant = encodeURIComponent(credential.tenantId);
  return askForToken(machine, {
    server: "Microsoft Entra",
    url: `${authority.replace(/\/$/, "")}/${tenant}/oauth2/v2.0/token`,
    form: {
      grant_type: "client_credentials",
      client_id: credential.clientId,
      client_secret: credential.clientSecret,
      scope,
    },
    authorization: null,
  });
}
