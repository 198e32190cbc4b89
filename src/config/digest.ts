/** Names a configuration by what it says, so that the journal can tell when it changed. */
import { createHash } from "node:crypto";
import type { Config } from "./config.ts";

/**
 * SHA-256, as 64 hex digits, over the configuration as canonical JSON: keys sorted, nano-dollars as
 * decimal strings. Left out are secrets, the proxy's URL, which may hold one, and the file's name.
 * Equal settings have equal digests, in whatever order the maps of the file are; lists keep theirs,
 * since it matters.
 */
export function configDigest(config: Config): string {
  return createHash("sha256")
    .update(JSON.stringify(withoutSecrets(config), canonical))
    .digest("hex");
}

function withoutSecrets(config: Config) {
  return {
    ...config,
    file: undefined,
    outbound: { ...config.outbound, proxyUrl: undefined },
    admin: { ...config.admin, token: undefined },
    providers: config.providers.map((provider) => ({
      ...provider,
      keys: provider.keys.map((key) => ({ ...key, secret: undefined })),
    })),
    virtualKeys: config.virtualKeys.map((key) => ({ ...key, secret: undefined })),
  };
}

function canonical(_name: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries);
}
