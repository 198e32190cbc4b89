/** Shows providers the node's credentials: the scheme by the kind of credential that a key has. */
import type { Gateway } from "../gateway/ports.ts";
import type { CloudCredential } from "../providers/credential.ts";
import type { Target } from "../gateway/candidates.ts";
import type { Authenticator, Authenticators } from "../providers/auth/authenticator.ts";
import type { AuthScheme, ProviderRow } from "../providers/row.ts";

const NO_CREDENTIAL = { secret: "", cloud: null } as const;
const NONE: AuthScheme = { kind: "none" };
const SCHEMES: Readonly<Record<CloudCredential["kind"], AuthScheme["kind"]>> = {
  aws: "aws-sigv4",
  google: "google-oauth",
  azure: "azure-entra",
};

/** The gateway's way to headers that identify it, and to new ones where those were refused. */
export function authenticateWith(
  authenticators: Authenticators,
): Pick<Gateway, "authenticate" | "forgetCredential"> {
  const of = ({ use: { provider }, row, credential }: Target): Authenticator => {
    const identity = `${provider.id}/${credential?.id ?? ""}`;
    const scheme = credential === null ? NONE : schemeFor(row, credential.cloud);
    return authenticators.of(identity, scheme, credential ?? NO_CREDENTIAL, provider.settings);
  };
  return {
    authenticate: (target, request) => of(target).headers(request),
    forgetCredential: (target) => of(target).forget(),
  };
}

/** How a provider takes a credential of this kind; null is a plain secret. */
export function schemeFor(row: ProviderRow, cloud: CloudCredential | null): AuthScheme {
  const kind = cloud === null ? "header" : SCHEMES[cloud.kind];
  return row.auth.find((scheme) => scheme.kind === kind) ?? row.auth[0] ?? NONE;
}
