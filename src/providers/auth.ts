/** How a credential is shown to a provider, one branch an auth scheme. */
import type { AuthScheme } from "./row.ts";

/** The headers, names in lower case, that carry `secret` to a provider. They are never logged. */
export function credentialHeaders(
  scheme: AuthScheme,
  secret: string,
): Readonly<Record<string, string>> {
  switch (scheme.kind) {
    case "header":
      return { [scheme.name]: scheme.prefix + secret };
    case "none":
      return {};
  }
}
